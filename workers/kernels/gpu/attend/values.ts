// Pass 3 of the fused attention in WGSL: sums of p times values, piece by piece of their dims.
//
// Infinite, NaN and very large values (from 2^100 on) have a slow form: keys left out are selected away instead of
// multiplied by 0, and rows that attend large values keep their sums times 2^-24 from there on, because a sum that is
// divided last may overflow where the output would not. A power of two changes no digit.
import {
  keyThreads,
  outputColumns,
  pieceColumns,
  tileStride,
  valuePiece,
  type AttendForm,
  type TileForm,
} from './form.js';
import { component, times } from './text.js';

/** A text for each vector of sums of a thread: o, its column, its row. */
export function eachOutput(form: TileForm, make: (o: string, column: number, r: number) => string): string {
  return times(outputColumns(form), (c) => times(form.rowsPerThread, (r) => make(`o${c}_${r}`, c, r)));
}

export function valueDeclarations(form: AttendForm): string {
  const { tileKeys, rowThreads } = form;
  return `
var<workgroup> hasSpecial: atomic<u32>; // stays once it is 1

/// Of a key left out p is -0: it adds nothing, and tells itself from the 0 of an attended key.
const leftOutWeight = RowUints(0x80000000u);
const shrink = 0x1p-24f;

fn isSpecial(v: vec4<f32>) -> bool {
  return any((bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) >= vec4<u32>(0x71800000u));
}

fn loadValues(isExtra: bool, start: u32, kvHead: u32, firstKey: i32, count: i32, first: u32, length: u32, x: u32, y: u32) {
  for (var j = y; j < ${tileKeys}u; j += ${rowThreads}u) {
    let isThere = firstKey + i32(j) < count;
    for (var vector = x; vector < length; vector += ${keyThreads}u) {
      var numbers = vec4<f32>(0.0);
      if (isThere) {
        numbers = valueOf(isExtra, start, kvHead, u32(firstKey) + j, first + vector);
        if (isSpecial(numbers)) { atomicStore(&hasSpecial, 1u); }
      }
      keyTile[j * ${tileStride(form)}u + vector] = numbers;
    }
  }
}

/// Zeros of rows that attend nothing, NaN of poisoned ones; no zero is negative, whichever tiles a row has seen.
fn concluded(mean: vec4<f32>, isZero: bool, isPoisoned: bool) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(mean);
  let whole = select(bits, vec4<u32>(at.nan), isPoisoned);
  return bitcast<vec4<f32>>(select(whole, vec4<u32>(0u), vec4<bool>(isZero) | (whole == vec4<u32>(0x80000000u))));
}

/// The bits of the float of which this is the order; -infinity where nothing was attended.
fn maximumBits(order: i32) -> u32 {
  if (order >= poison.x) { return at.nan; }
  if (order <= lowest.x) { return at.minusInfinity; }
  return bitcast<u32>(order ^ ((order >> 31u) & 0x7fffffff));
}
`;
}

/** Statements that add the tile's values to the outputs; they want the variables of the loop. */
export function sumValuesText(form: AttendForm): string {
  const { rowsPerThread, rowThreads, tileKeys } = form;
  const columns = pieceColumns(form);
  const eachColumn = (make: (c: number) => string) => times(columns, make);
  const sums = (make: (c: number, r: number) => string) =>
    eachColumn((c) => times(rowsPerThread, (r) => make(c, r)));
  const weights = `scoreTile[key * ${rowThreads}u + y]`;
  const valueOf = (c: number): string => `keyTile[key * ${tileStride(form)}u + column${c}]`;
  return `    let outputVectors = (at.valueDim + 3u) / 4u;
    let keysHere = u32(min(count - firstKey, ${tileKeys}));
    for (var first = 0u; first < outputVectors; first += ${valuePiece(form)}u) {
      let length = min(outputVectors - first, ${valuePiece(form)}u);
      if (first > 0u) { workgroupBarrier(); }
      loadValues(isExtra, valueStart, kvHead, firstKey, count, first, length, x, y);
      workgroupBarrier();
${eachColumn((c) => `      let column${c} = min(x + ${c * keyThreads}u, length - 1u);`)}
${sums((c, r) => `      var a${c}_${r} = vec4<f32>(0.0);`)}
      if (atomicLoad(&hasSpecial) == 0u && all(scaled == Rows(1.0))) {
        for (var key = 0u; key < keysHere; key++) {
          let p = bitcast<Rows>(${weights});
${eachColumn((c) => `          let v${c} = ${valueOf(c)};`)}
${sums((c, r) => `          a${c}_${r} = fma(vec4<f32>(p.${component(r)}), v${c}, a${c}_${r});`)}
        }
      } else {
        let before = scaled;
        for (var key = 0u; key < keysHere; key++) {
          let isLarge = ${Array.from({ length: columns }, (_, c) => `isSpecial(${valueOf(c)})`).join(' || ')};
          scaled = select(scaled, Rows(shrink), (${weights} != leftOutWeight) & RowBools(isLarge));
        }
        let fresh = scaled / before;
${eachOutput(form, (o, _, r) => `        ${o} *= fresh.${component(r)};`)}
        // Slow, so row by row: a short text.
        for (var r = 0u; r < ${rowsPerThread}u; r++) {
${eachColumn((c) => `          var sum${c} = vec4<f32>(0.0);`)}
          for (var key = 0u; key < keysHere; key++) {
            let bits = ${weights}[r];
            if (bits != leftOutWeight.x) {
${eachColumn((c) => `              sum${c} = fma(vec4<f32>(bitcast<f32>(bits)), ${valueOf(c)} * scaled[r], sum${c});`)}
            }
          }
${sums((c, r) => `          if (r == ${r}u) { a${c}_${r} = sum${c}; }`)}
        }
      }
${addText(form)}
    }`;
}

/** Adds the sums of a piece to the outputs that it belongs to. */
function addText(form: AttendForm): string {
  const columns = pieceColumns(form);
  const add = (piece: number) =>
    times(columns, (c) =>
      times(form.rowsPerThread, (r) => {
        const o = `o${piece * columns + c}_${r}`;
        return `          ${o} = fma(${o}, vec4<f32>(factor.${component(r)}), a${c}_${r});`;
      }),
    );
  const pieces = outputColumns(form) / columns;
  if (pieces === 1) return add(0);
  return `      switch first / ${valuePiece(form)}u {
${times(
  pieces,
  (piece) => `        ${piece === pieces - 1 ? 'default' : `case ${piece}u`}: {
${add(piece)}
        }`,
)}
      }`;
}
