// The scores of a tile in WGSL: queries and keys in workgroup memory, each thread's products in its registers. The one
// text for the first pass and the second, so both have the same bytes.
import type { ScoreStage } from '../../../../src/core/protocol/score-rules.js';
import {
  keyThreads,
  piecesOf,
  rowsOf,
  threadsOf,
  tileStride,
  vectorsOf,
  type RuleForm,
  type TileForm,
} from './form.js';
import { numbersText } from './numbers.js';
import { readKeyText, readText } from './operands.js';
import { parametersText } from './parameters.js';
import { rulesText } from './rules.js';
import { tableText } from './table.js';
import { component, listed, times, when } from './text.js';

export type ScoreForm = TileForm & RuleForm;

/** Dims of a score that are summed by themselves, in vectors: long sums have larger rounding errors. */
const chunkVectors = 8;

/** Keys of a tile that each thread computes: thread x has the keys x, x + keyThreads, … */
export function keysPerThread({ tileKeys }: TileForm): number {
  return tileKeys / keyThreads;
}

/** All declarations that scores need but the bindings. */
export function scoreDeclarations(form: ScoreForm, stage?: ScoreStage): string {
  const { rowsPerThread, rowThreads, headDim, tileKeys } = form;
  const vectors = vectorsOf(headDim);
  const each = (type: string, make: (r: number) => string) => `${type}(${listed(rowsPerThread, make)})`;
  return `
${parametersText}
${numbersText(rowsPerThread)}
${tableText}
${rulesText(form, rowsPerThread, stage)}
${readText('query', headDim, form)}
${readKeyText('key', 'extraKeysAt', form)}

var<workgroup> queryTile: array<Rows, ${4 * vectors * rowThreads}>; // [dims][threads on rows]
var<workgroup> keyTile: array<vec4<f32>, ${tileKeys * tileStride(form)}>; // [keys][vectors of a piece], of values too

struct RowPlace { head: u32, query: u32 }

/// Rows past the last one are the last one once more; nothing of them is written.
fn placeOf(tile: Tile, entry: Entry, row: u32) -> RowPlace {
  let inside = min(row, entry.queries * tile.headCount - 1u);
  return RowPlace(tile.firstHead + inside % tile.headCount, inside / tile.headCount);
}

fn termsOf(tile: Tile, entry: Entry, firstRow: u32) -> RowTerms {
${times(rowsPerThread, (r) => `  let r${r} = placeOf(tile, entry, firstRow + ${r}u);`)}
  var terms: RowTerms;
  terms.position = ${each('RowInts', (r) => `i32(r${r}.query)`)} + RowInts(bitcast<i32>(entry.position));
  ${when(form.alibi, `terms.slope = ${each('Rows', (r) => `slopeOf(r${r}.head)`)};`)}
  ${when(form.bias, `terms.bias = ${each('RowUints', (r) => placeText('bias', `r${r}`))};`)}
  ${when(form.mask, `terms.mask = ${each('RowUints', (r) => placeText('mask', `r${r}`))};`)}
  return terms;
}

fn queryVector(tile: Tile, entry: Entry, row: u32, vector: u32) -> vec4<f32> {
  if (row >= entry.queries * tile.headCount) { return vec4<f32>(0.0); }
  let place = placeOf(tile, entry, row);
  return queryAt(entry.query + place.head * at.queryHead + place.query * at.queryRow, vector);
}

fn loadQueries(tile: Tile, entry: Entry, thread: u32) {
  for (var n = thread; n < ${vectors * rowThreads}u; n += ${threadsOf(form)}u) {
    let vector = n % ${vectors}u;
    let y = n / ${vectors}u;
    let row = tile.firstRow + y * ${rowsPerThread}u;
${times(rowsPerThread, (r) => `    let x${r} = queryVector(tile, entry, row + ${r}u, vector);`)}
${times(
  4,
  (d) =>
    `    queryTile[(vector * 4u + ${d}u) * ${rowThreads}u + y] = ${each('Rows', (r) => `x${r}.${component(d)}`)};`,
)}
  }
}

fn loadKeys(isExtra: bool, start: u32, kvHead: u32, firstKey: i32, count: i32, firstVector: u32, length: u32, thread: u32) {
  for (var n = thread; n < ${tileKeys}u * length; n += ${threadsOf(form)}u) {
    let j = n / length;
    let vector = n % length;
    var numbers = vec4<f32>(0.0);
    if (firstKey + i32(j) < count) {
      numbers = keyOf(isExtra, start, kvHead, u32(firstKey) + j, firstVector + vector);
    }
    keyTile[j * ${tileStride(form)}u + vector] = numbers;
  }
}
`;
}

function placeText(name: 'bias' | 'mask', row: string): string {
  return `at.${name}Offset + tile.entry * at.${name}Entry + ${row}.head * at.${name}Head + ${row}.query * at.${name}Row`;
}

/** Where `dotsText` leaves q·k. */
export function dotsStart(form: TileForm): string {
  return times(keysPerThread(form), (n) => `    var s${n} = Rows(0.0);`);
}

/**
 * Statements that add q·k to `s0`, `s1` … for the keys of a thread; nobody may read the tile of keys any more where they
 * begin. They want `isExtra`, `keyStart`, `kvHead`, `firstKey`, `count`, `x`, `y` and `thread`.
 */
export function dotsText(form: TileForm): string {
  const keys = keysPerThread(form);
  const stride = tileStride(form);
  return `
${piecesOf(form, form.headDim)
  .map(
    ([first, end], piece) => `
    ${when(piece > 0, 'workgroupBarrier();')}
    loadKeys(isExtra, keyStart, kvHead, firstKey, count, ${first}u, ${end - first}u, thread);
    workgroupBarrier();
    for (var chunk = 0u; chunk < ${end - first}u; chunk += ${chunkVectors}u) {
${times(keys, (n) => `      var part${n} = Rows(0.0);`)}
      for (var d = chunk; d < min(chunk + ${chunkVectors}u, ${end - first}u); d++) {
${times(keys, (n) => `        let k${n} = keyTile[(x + ${n * keyThreads}u) * ${stride}u + d];`)}
${times(4, (e) => `        let q${e} = queryTile[((d + ${first}u) * 4u + ${e}u) * ${form.rowThreads}u + y];`)}
${times(4, (e) => times(keys, (n) => `        part${n} = fma(q${e}, Rows(k${n}.${component(e)}), part${n});`))}
      }
${times(keys, (n) => `      s${n} += part${n};`)}
    }`,
  )
  .join('\n')}
`;
}

/** Statements that begin `main`: which tile it is, and where a thread stands in it. */
export function mainStart(form: TileForm): string {
  return `
@compute @workgroup_size(${threadsOf(form)})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  // Counts over 65,535 are folded; what is behind the last tile has no keys and writes nothing.
  let tileIndex = group.y * groups.x + group.x;
  let isThere = tileIndex < at.tiles;
  let tile = tileAt(min(tileIndex, at.tiles - 1u));
  let entry = entryAt(tile.entry);
  let rowCount = entry.queries * tile.headCount;
  let x = thread % ${keyThreads}u;
  let y = thread / ${keyThreads}u;
  let firstRow = tile.firstRow + y * ${form.rowsPerThread}u;
`;
}

/** Tiles of keys that some row of the tile of rows may reach: [first, end). */
export function reachText(form: TileForm & RuleForm): string {
  const { tileKeys } = form;
  return `
fn reachOf(tile: Tile, entry: Entry) -> vec2<i32> {
  var first = at.firstKey;
  var end = min(i32(entry.keys), at.endKey);
  ${when(
    form.window,
    `let diagonal = bitcast<i32>(entry.position);
  let firstQuery = i32(placeOf(tile, entry, tile.firstRow).query);
  let lastQuery = i32(placeOf(tile, entry, tile.firstRow + ${rowsOf(form) - 1}u).query);
  first = max(first, firstQuery + diagonal - at.left);
  end = min(end, lastQuery + diagonal + at.right + 1);`,
  )}
  if (end <= first) { return vec2<i32>(0); }
  return vec2<i32>(first / ${tileKeys}, (end + ${tileKeys - 1}) / ${tileKeys});
}
`;
}
