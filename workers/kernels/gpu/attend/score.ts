// The scores of a tile in WGSL: queries and keys in workgroup memory, each thread's products in its registers. The one
// text for the first pass and the second, so both have the same bytes.
import { keyThreads, rowsOf, threadsOf, tileStride, type ShaderForm, type TileForm } from './form.js';
import { numbersText } from './numbers.js';
import { readKeyText, readText } from './operands.js';
import { parametersText } from './parameters.js';
import { rulesText } from './rules.js';
import { tableText } from './table.js';
import { component, listed, times, when } from './text.js';

/** Dims of a score that are summed by themselves, in vectors: long sums have larger rounding errors. */
const chunkVectors = 8;

/** Keys of a tile that each thread computes: thread x has the keys x, x + keyThreads, … */
export function keysPerThread({ tileKeys }: TileForm): number {
  return tileKeys / keyThreads;
}

/** All declarations that scores need but the bindings. */
export function scoreDeclarations(form: ShaderForm): string {
  const { isRich, rowsPerThread, rowThreads, tileKeys, queryVectors } = form;
  return `
${parametersText}
${numbersText(rowsPerThread)}
${tableText}
${rulesText(form)}
${readText('query', 'headDim', form)}
${readKeyText('key', form)}

var<workgroup> queryTile: array<Rows, ${4 * queryVectors * rowThreads}>; // [dims][threads on rows]
var<workgroup> keyTile: array<vec4<f32>, ${tileKeys * tileStride(form)}>; // [keys][vectors of a piece], of values too
var<workgroup> scoreTile: array<RowUints, ${tileKeys * rowThreads}>; // [keys][threads on rows], bits of q·k, then of p

/// Rows past the last one are the last one once more; nothing of them is written.
struct Places { head: RowUints, query: RowUints, isInside: RowBools }

fn placesOf(tile: Tile, entry: Entry, firstRow: u32) -> Places {
  let rows = RowUints(${listed(rowsPerThread, (r) => `firstRow + ${r}u`)});
  let inside = min(rows, RowUints(entry.queries * tile.headCount - 1u));
  let query = inside / tile.headCount;
  return Places(tile.firstHead + inside - query * tile.headCount, query, rows == inside);
}

fn termsOf(tile: Tile, entry: Entry, places: Places) -> RowTerms {
  var terms: RowTerms;
  terms.position = RowInts(places.query) + RowInts(bitcast<i32>(entry.position));
  ${when(
    isRich,
    `terms.slope = Rows(${listed(rowsPerThread, (r) => `slopeOf(places.head.${component(r)})`)});
  ${placeText('bias')}
  ${placeText('mask')}`,
  )}
  return terms;
}

fn loadQueries(entry: Entry, places: Places, x: u32, y: u32) {
  let starts = entry.query + places.head * at.queryHead + places.query * at.queryRow;
  for (var vector = x; vector * 4u < at.headDim; vector += ${keyThreads}u) {
    for (var r = 0u; r < ${rowsPerThread}u; r++) {
      let numbers = queryAt(starts[r], vector);
      for (var d = 0u; d < 4u; d++) { queryTile[(vector * 4u + d) * ${rowThreads}u + y][r] = numbers[d]; }
    }
  }
}

fn loadKeys(isExtra: bool, start: u32, kvHead: u32, firstKey: i32, count: i32, first: u32, length: u32, x: u32, y: u32) {
  for (var j = y; j < ${tileKeys}u; j += ${rowThreads}u) {
    let isThere = firstKey + i32(j) < count;
    for (var vector = x; vector < length; vector += ${keyThreads}u) {
      var numbers = vec4<f32>(0.0);
      if (isThere) { numbers = keyOf(isExtra, start, kvHead, u32(firstKey) + j, first + vector); }
      keyTile[j * ${tileStride(form)}u + vector] = numbers;
    }
  }
}
`;
}

function placeText(name: 'bias' | 'mask'): string {
  return `terms.${name} = at.${name}Offset + tile.entry * at.${name}Entry + places.head * at.${name}Head + places.query * at.${name}Row;`;
}

/**
 * Statements that leave q·k for the keys of a thread in `scoreTile`; nobody may read the tile of keys any more where they
 * begin. They want `isExtra`, `keyStart`, `kvHead`, `firstKey`, `count`, `x` and `y`.
 */
export function dotsText(form: TileForm): string {
  const keys = keysPerThread(form);
  const eachKey = (make: (n: number) => string) => times(keys, make);
  return `
${eachKey((n) => `    var s${n} = Rows(0.0);`)}
    let queryVectors = (at.headDim + 3u) / 4u;
    for (var first = 0u; first < queryVectors; first += ${form.pieceVectors}u) {
      let length = min(queryVectors - first, ${form.pieceVectors}u);
      if (first > 0u) { workgroupBarrier(); }
      loadKeys(isExtra, keyStart, kvHead, firstKey, count, first, length, x, y);
      workgroupBarrier();
      for (var chunk = 0u; chunk < length; chunk += ${chunkVectors}u) {
        let end = min(chunk + ${chunkVectors}u, length);
${eachKey((n) => `        var part${n} = Rows(0.0);`)}
        for (var d = chunk; d < end; d++) {
${eachKey((n) => `          let k${n} = keyTile[(x + ${n * keyThreads}u) * ${tileStride(form)}u + d];`)}
${times(4, (e) => `          let q${e} = queryTile[((d + first) * 4u + ${e}u) * ${form.rowThreads}u + y];`)}
${times(4, (e) => eachKey((n) => `          part${n} = fma(q${e}, Rows(k${n}.${component(e)}), part${n});`))}
        }
${eachKey((n) => `        s${n} += part${n};`)}
      }
    }
${eachKey((n) => `    scoreTile[(x + ${n * keyThreads}u) * ${form.rowThreads}u + y] = bitcast<RowUints>(s${n});`)}
`;
}

/**
 * A loop over the keys of a thread, `j` in the tile, whose `slot` of `scoreTile` is its own: what is in it is there for
 * one step after the other, so that a step stands once in the text and not once a key.
 */
export function eachSlotText({ tileKeys, rowThreads }: TileForm, body: string): string {
  return `for (var n = x; n < ${tileKeys}u; n += ${keyThreads}u) {
      let slot = n * ${rowThreads}u + y;
      let j = firstKey + i32(n);
      ${body}
    }`;
}

/** Of the slot: scores after all rules, and who attends. */
export const finishText = 'let scored = finish(bitcast<Rows>(scoreTile[slot]), j, count, isExtra, terms);';

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
  let x = thread % ${keyThreads}u;
  let y = thread / ${keyThreads}u;
  let firstRow = tile.firstRow + y * ${form.rowsPerThread}u;
`;
}

/** Tiles of keys that some row of the tile of rows may reach: [first, end). */
export function reachText(form: TileForm): string {
  const { tileKeys } = form;
  return `
fn reachOf(tile: Tile, entry: Entry) -> vec2<i32> {
  let diagonal = bitcast<i32>(entry.position);
  let lastRow = min(tile.firstRow + ${rowsOf(form) - 1}u, entry.queries * tile.headCount - 1u);
  let firstQuery = i32(tile.firstRow / tile.headCount);
  let lastQuery = i32(lastRow / tile.headCount);
  let first = max(at.firstKey, firstQuery + diagonal - at.left);
  let end = min(min(i32(entry.keys), at.endKey), lastQuery + diagonal + at.right + 1);
  if (end <= first) { return vec2<i32>(0); }
  return vec2<i32>(first / ${tileKeys}, (end + ${tileKeys - 1}) / ${tileKeys});
}
`;
}
