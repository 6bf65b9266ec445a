// Pass 2 of the fused attention in WGSL: the maxima of a tile, exchanged among the threads of a row, and p.
import { keyThreads, type TileForm } from './form.js';
import { eachSlotText, finishText } from './score.js';

/**
 * Statements that take q·k in `scoreTile` into `m`, `l` and `factor`, and leave p there. Maxima are exchanged as integers
 * in the order of scores, where a NaN is the largest and so reaches all threads of its row.
 */
export function absorbText(form: TileForm): string {
  const { rowThreads } = form;
  return `var own = leftOut;
    ${eachSlotText(
      form,
      `${finishText}
      let order = select(leftOut, orderOf(scored.score), scored.mayAttend);
      own = max(own, order);
      scoreTile[slot] = bitcast<RowUints>(order);`,
    )}
    maxima[x * ${rowThreads}u + y] = own;
    workgroupBarrier();
    let before = m;
    for (var n = 0u; n < ${keyThreads}u; n++) { m = max(m, maxima[n * ${rowThreads}u + y]); }
    let base = baseOf(m);
    // Nothing to rescale where nothing finite came before.
    let factor = select(exponential(baseOf(before) - base), Rows(1.0), before <= lowest);
    var ofTile = Rows(0.0);
    ${eachSlotText(
      form,
      `let order = bitcast<RowInts>(scoreTile[slot]);
      let p = select(exponential(bitcast<Rows>(turned(order)) - base), Rows(0.0), order <= lowest);
      ofTile += p;
      scoreTile[slot] = select(bitcast<RowUints>(p), leftOutWeight, order == leftOut);`,
    )}
    l = fma(l, factor, ofTile);
`;
}
