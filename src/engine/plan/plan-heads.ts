// Cuts the work on heads around attention into units: gathering, turning, appending, contributions. Pure.
import type { Entry } from '../../attention/batch.js';
import type { HeadCopy } from '../../core/protocol/head-work.js';
import type { Heads } from '../../core/protocol/layout.js';
import { queriesPerUnit } from './plan-attention.js';
import { cut, toPlan, type PhasePlan, type Unit } from './units.js';

/** Copies of one head each: [entry, first head, end head, copy, -]. */
export function planGather(entries: readonly Entry[], copies: readonly HeadCopy[]): PhasePlan {
  const units = entries.flatMap((entry, index) =>
    copies.flatMap(({ operand, heads, dims }, copy) =>
      cut(heads, 1).map(([first, end]): Unit => ({
        words: [index, first, end, copy, 0],
        flop: (operand === 'query' ? entry.queries : entry.keys) * dims,
      })),
    ),
  );
  return { ...toPlan(units), flop: 0 };
}

/** Rows of queries (0) and keys (1) to turn, all their heads: [entry, which, first row, end row, row of the batch]. */
export function planRotation(
  entries: readonly Entry[],
  { heads, kvHeads, headDim }: Heads,
  unitRows: number,
): PhasePlan {
  const units = entries.flatMap(({ queries, queryRow, newKeys, keyRow }, index) => {
    const unitsOf = (which: number, rows: number, count: number, batchRow: number): Unit[] =>
      cut(rows, unitRows).map(([first, end]) => ({
        words: [index, which, first, end, batchRow],
        flop: (end - first) * count * headDim,
      }));
    return [...unitsOf(0, queries, heads, queryRow), ...unitsOf(1, newKeys, kvHeads, keyRow)];
  });
  return { ...toPlan(units), flop: 0 };
}

/** New keys into pages, all their heads: [entry, first head, end head, first row, end row]. */
export function planAppend(
  entries: readonly Entry[],
  { kvHeads, headDim, valueDim }: Heads,
  unitRows: number,
): PhasePlan {
  const units = entries.flatMap(({ newKeys }, index) =>
    cut(newKeys, unitRows).map(([first, end]): Unit => ({
      words: [index, 0, kvHeads, first, end],
      flop: (end - first) * kvHeads * (headDim + valueDim),
    })),
  );
  return { ...toPlan(units), flop: 0 };
}

/** The blocks of queries of attention once more, all heads of each: [entry, first head, end head, first query, end query]. */
export function planContributions(entries: readonly Entry[], shape: Heads, unitRows: number): PhasePlan {
  const { heads, valueDim } = shape;
  const units = entries.flatMap(({ queries }, index) =>
    cut(queries, queriesPerUnit(shape, unitRows)).map(([first, end]): Unit => ({
      words: [index, 0, heads, first, end],
      flop: 2 * (end - first) * heads * valueDim * valueDim,
    })),
  );
  return toPlan(units);
}
