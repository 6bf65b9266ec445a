// Rows that lie anywhere, told by a table of where they start, in runs of which a binding holds all that they need.
import type { Bound } from '../dispatch.js';
import { largest, type BindingLimit, type Whole } from './binding-limit.js';

/** An operand of which each row has `width` elements a head. */
export interface RowsOperand {
  readonly name: string;
  readonly of: Whole;
  readonly headStride: number;
  readonly width: number;
}

export interface RowsToCut {
  /** [rows, rowWords]; word n of a row is where head 0 starts in operand n. */
  readonly table: Uint32Array;
  readonly rowWords: number;
  readonly operands: readonly RowsOperand[];
  readonly heads: number;
  /** Whether the rest of what a run of so many rows needs fits. */
  readonly fits?: (rows: number) => boolean;
}

/** Rows [first, end) of a head. */
export interface RunOfRows {
  readonly first: number;
  readonly end: number;
  /** Their part of the table, with starts in what is bound of the operands. */
  readonly table: Uint32Array;
  readonly bound: readonly Bound[];
}

interface Span {
  readonly low: number;
  readonly high: number;
}

/** Head after head. @throws MEMORY_LIMIT naming the operand of which a binding doesn't hold a row */
export function runsOfRows(rows: RowsToCut, limit: BindingLimit): RunOfRows[] {
  const { table, rowWords, heads, fits } = rows;
  const count = table.length / rowWords;
  if (count === 0) return [];
  const most = largest(
    count,
    (run) =>
      limit.holds({ kind: 'scratch', byteLength: 4 * rowWords * run }) && (fits === undefined || fits(run)),
  );
  if (most === 0) throw limit.refusal('the numbers of a row', 4 * rowWords);
  const runs: RunOfRows[] = [];
  for (let head = 0; head < heads; head++) {
    for (let first = 0; first < count; first = runs.at(-1)!.end) {
      const { end, spans } = longestRun(rows, first, Math.min(count, first + most), limit);
      runs.push(runOf(rows, { head, first, end, spans }, limit));
    }
  }
  return runs;
}

/** Spans from the first element of head 0 on. */
function longestRun(
  { table, rowWords, operands }: RowsToCut,
  first: number,
  last: number,
  limit: BindingLimit,
): { readonly end: number; readonly spans: readonly Span[] } {
  let spans: readonly Span[] = operands.map(() => ({ low: Infinity, high: 0 }));
  for (let end = first; end < last; end++) {
    const grown = operands.map(({ width }, n): Span => {
      const start = table[end * rowWords + n]!;
      return { low: Math.min(spans[n]!.low, start), high: Math.max(spans[n]!.high, start + width) };
    });
    const over = operands.find(({ of }, n) => !limit.holdsStretch(of, grown[n]!.high - grown[n]!.low));
    if (over !== undefined) {
      if (end === first) throw limit.refusal(`a row of ${over.name}`, 4 * over.width);
      return { end, spans };
    }
    spans = grown;
  }
  return { end: last, spans };
}

function runOf(
  { table, rowWords, operands }: RowsToCut,
  {
    head,
    first,
    end,
    spans,
  }: Pick<RunOfRows, 'first' | 'end'> & {
    readonly head: number;
    readonly spans: readonly Span[];
  },
  limit: BindingLimit,
): RunOfRows {
  const own = table.slice(first * rowWords, end * rowWords);
  const bound = operands.map(({ of, headStride }, n) => {
    const shift = head * headStride;
    const window = limit.windowOf({ of, first: spans[n]!.low + shift, end: spans[n]!.high + shift });
    for (let at = n; at < own.length; at += rowWords) own[at]! += shift - window.start;
    return window.bound;
  });
  return { first, end, table: own, bound };
}
