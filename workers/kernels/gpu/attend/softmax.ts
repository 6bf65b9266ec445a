// Pass 2 of the fused attention in WGSL: the maxima of a tile, exchanged among the threads of a row, and p.
import { keyThreads, type TileForm } from './form.js';
import { keysPerThread } from './score.js';
import { times } from './text.js';

/**
 * Statements that take `s0` … with their `order0` … into `m`, `l` and `factor`, and leave p in `weightTile`. Maxima are
 * exchanged as integers in the order of scores, where a NaN is the largest and so reaches all threads of its row.
 */
export function absorbText(form: TileForm): string {
  const { rowThreads } = form;
  const keys = keysPerThread(form);
  return `var own = order0;
${times(keys - 1, (n) => `    own = max(own, order${n + 1});`)}
    maxima[x * ${rowThreads}u + y] = own;
    workgroupBarrier();
    let before = m;
    for (var n = 0u; n < ${keyThreads}u; n++) { m = max(m, maxima[n * ${rowThreads}u + y]); }
    let base = baseOf(m);
    // Nothing to rescale where nothing finite came before.
    let factor = select(exponential(baseOf(before) - base), Rows(1.0), before <= lowest);
    var ofTile = Rows(0.0);
${times(
  keys,
  (n) => `    let p${n} = select(exponential(f${n}.score - base), Rows(0.0), order${n} <= lowest);
    ofTile += p${n};
    weightTile[(x + ${n * keyThreads}u) * ${rowThreads}u + y] =
      select(bitcast<RowUints>(p${n}), leftOutWeight, order${n} == leftOut);`,
)}
    l = fma(l, factor, ofTile);
`;
}
