// Pass 3 of the fused attention in WGSL: sums of p times values, piece by piece of their dims.
//
// Infinite, NaN and very large values (from 2^100 on) have a slow form: keys left out are selected away instead of
// multiplied by 0, and rows that attend large values keep their sums times 2^-24 from there on, because a sum that is
// divided last may overflow where the output would not. A power of two changes no digit.
import { keyThreads, piecesOf, threadsOf, tileStride, type AttendForm } from './form.js';
import { component, times, when } from './text.js';

/** Vectors of a thread that holds vectors x, x + keyThreads, … of a piece. */
export function outputColumns(first: number, end: number): number {
  return Math.ceil((end - first) / keyThreads);
}

export function valueDeclarations(form: AttendForm): string {
  const { tileKeys, rowThreads } = form;
  return `
var<workgroup> weightTile: array<RowUints, ${tileKeys * rowThreads}>; // [keys][threads on rows], bits of p
var<workgroup> hasSpecial: atomic<u32>; // stays once it is 1

/// Of a key left out p is -0: it adds nothing, and tells itself from the 0 of an attended key.
const leftOutWeight = RowUints(0x80000000u);
const shrink = 0x1p-24f;

fn isSpecial(v: vec4<f32>) -> bool {
  return any((bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) >= vec4<u32>(0x71800000u));
}

fn loadValues(isExtra: bool, start: u32, kvHead: u32, firstKey: i32, count: i32, firstVector: u32, length: u32, thread: u32) {
  for (var n = thread; n < ${tileKeys}u * length; n += ${threadsOf(form)}u) {
    let j = n / length;
    let vector = n % length;
    var numbers = vec4<f32>(0.0);
    if (firstKey + i32(j) < count) {
      numbers = valueOf(isExtra, start, kvHead, u32(firstKey) + j, firstVector + vector);
      if (isSpecial(numbers)) { atomicStore(&hasSpecial, 1u); }
    }
    keyTile[j * ${tileStride(form)}u + vector] = numbers;
  }
}

/// Zeros of rows that attend nothing, NaN of poisoned ones; no zero is negative, whichever tiles a row has seen.
fn concluded(mean: vec4<f32>, isZero: bool, isPoisoned: bool) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(mean);
  let whole = select(bits, vec4<u32>(at.nan), isPoisoned);
  return bitcast<vec4<f32>>(select(whole, vec4<u32>(0u), vec4<bool>(isZero) | (whole == vec4<u32>(0x80000000u))));
}
${when(
  form.state,
  `
/// The bits of the float of which this is the order; -infinity where nothing was attended.
fn maximumBits(order: i32) -> u32 {
  if (order >= poison.x) { return at.nan; }
  if (order <= lowest.x) { return at.minusInfinity; }
  return bitcast<u32>(order ^ ((order >> 31u) & 0x7fffffff));
}`,
)}
`;
}

/** Statements that add the tile's values to the outputs; they want the variables of the loop. */
export function sumValuesText(form: AttendForm): string {
  return piecesOf(form, form.valueDim)
    .map((piece, index) => pieceText(form, piece, index))
    .join('\n');
}

function pieceText(form: AttendForm, [first, end]: readonly [number, number], piece: number): string {
  const { rowsPerThread, rowThreads, tileKeys } = form;
  const length = end - first;
  const columns = outputColumns(first, end);
  const sums = (make: (c: number, r: number, e: string) => string) =>
    times(columns, (c) => times(rowsPerThread, (r) => make(c, r, component(r))));
  const values = times(columns, (c) => `let v${c} = keyTile[key * ${tileStride(form)}u + column${c}];`);
  const weights = `let bits = weightTile[key * ${rowThreads}u + y];
          let p = bitcast<Rows>(bits);`;
  return `    ${when(piece > 0, 'workgroupBarrier();')}
    loadValues(isExtra, valueStart, kvHead, firstKey, count, ${first}u, ${length}u, thread);
    workgroupBarrier();
    {
      let keysHere = u32(min(count - firstKey, ${tileKeys}));
${times(columns, (c) => `      let column${c} = min(x + ${c * keyThreads}u, ${length - 1}u);`)}
${sums((c, r) => `      var a${c}_${r} = vec4<f32>(0.0);`)}
      if (atomicLoad(&hasSpecial) == 0u && all(scaled == Rows(1.0))) {
        for (var key = 0u; key < keysHere; key++) {
          ${weights}
          ${values}
${sums((c, r, e) => `          a${c}_${r} = fma(vec4<f32>(p.${e}), v${c}, a${c}_${r});`)}
        }
      } else {
        var scale = scaled;
        for (var key = 0u; key < keysHere; key++) {
          let attends = weightTile[key * ${rowThreads}u + y] != leftOutWeight;
          ${values}
          let isLarge = ${Array.from({ length: columns }, (_, c) => `isSpecial(v${c})`).join(' || ')};
          scale = select(scale, Rows(shrink), attends & RowBools(isLarge));
        }
        let fresh = scale / scaled;
${allOutputs(form, (o, e) => `        ${o} *= fresh.${e};`)}
        scaled = scale;
        for (var key = 0u; key < keysHere; key++) {
          ${weights}
          let attends = bits != leftOutWeight;
          ${values}
${sums((c, r, e) => `          a${c}_${r} = select(a${c}_${r}, fma(vec4<f32>(p.${e}), v${c} * scaled.${e}, a${c}_${r}), attends.${e});`)}
        }
      }
${sums((c, r, e) => `      o${piece}_${c}_${r} = fma(o${piece}_${c}_${r}, vec4<f32>(factor.${e}), a${c}_${r});`)}
    }`;
}

function allOutputs(form: AttendForm, make: (o: string, component: string) => string): string {
  return piecesOf(form, form.valueDim)
    .map(([first, end], piece) =>
      times(outputColumns(first, end), (c) =>
        times(form.rowsPerThread, (r) => make(`o${piece}_${c}_${r}`, component(r))),
      ),
    )
    .join('\n');
}
