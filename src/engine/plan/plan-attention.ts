// Cuts attention into units: blocks of queries, and ranges of keys where there are few queries. Pure: by shapes alone.
import { mostDecodingRows } from '../../core/protocol/attention-work.js';
import type { Entry } from '../../attention/batch.js';
import type { Heads } from '../../core/protocol/layout.js';
import { clamp, cut, toPlan, type PhasePlan, type Unit } from './units.js';

// A unit of less takes on more heads: attention on few tokens reaches a quarter of what products do, so that this too is
// about 0.01 ms.
const leastAttentionFlop = 2.5e5;
// Below, what a query reads fits a cache.
const leastDecodingKeys = 256;
// The same when decoding: memory gives the numbers for so much in about 0.05 ms.
const leastDecodingFlop = 4e5;
// Keys of a range: a multiple of every kernel's tile, and 2 MiB of keys and values at 64 dims.
export const keysPerRange = 4096;

export interface AttentionShape extends Heads {
  readonly entries: readonly Entry[];
  readonly left: number;
  readonly right: number;
  readonly diagonalOf: (entry: Entry) => number;
  readonly extraKeys: number;
  /** Query heads that aren't computed. */
  readonly deadHeads: ReadonlySet<number>;
  /** Whether one unit must hold all heads of its queries: where they add into one output, in a fixed order. */
  readonly areHeadsTogether: boolean;
}

/**
 * Whether an entry is one query on many keys, so that memory bounds it. The entry alone decides, and never a sequence
 * attending itself: such a one has the same bytes by itself and padded among longer ones.
 */
export function isDecoding({ queries, keys }: Entry, { heads, kvHeads }: Heads): boolean {
  return queries === 1 && keys >= leastDecodingKeys && heads / kvHeads <= mostDecodingRows;
}

/** Queries of a unit: rows for one or more whole blocks of a kernel. */
export function queriesPerUnit({ heads, kvHeads }: Heads, unitRows: number): number {
  return Math.max(1, Math.floor(unitRows / (heads / kvHeads)));
}

/** Blocks of queries of the entries that aren't decoding: [entry, first kv head, end kv head, first query, end query]. */
export function planAttention(shape: AttentionShape, unitRows: number): PhasePlan {
  const { entries, kvHeads, heads, headDim, valueDim, areHeadsTogether } = shape;
  const group = heads / kvHeads;
  const queriesOfUnit = queriesPerUnit(shape, unitRows);
  const units: Unit[] = [];
  const longestOf = entries.map((entry, index) => {
    let longest = 0;
    if (isDecoding(entry, shape)) return longest;
    for (const [firstQuery, endQuery] of cut(entry.queries, queriesOfUnit)) {
      const pairs = attendedPairs(shape, entry, firstQuery, endQuery);
      const headFlop = 2 * pairs * group * (headDim + valueDim);
      const together = areHeadsTogether
        ? kvHeads
        : Math.floor(clamp(leastAttentionFlop / headFlop, 1, kvHeads));
      for (const [firstHead, endHead] of cut(kvHeads, together)) {
        const flop = headFlop * livingShare(shape, firstHead, endHead);
        units.push({ words: [index, firstHead, endHead, firstQuery, endQuery], flop });
        longest = Math.max(longest, flop);
      }
    }
    return longest;
  });
  // Units on the same keys follow one another, while these are in the caches: the entries longest first, then head by
  // head, and the longest units first among those of a head.
  return toPlan(units, ({ words: [a, headA], flop: flopA }, { words: [b, headB], flop: flopB }) =>
    a === b ? headA - headB || flopB - flopA : longestOf[b]! - longestOf[a]! || a - b,
  );
}

export interface DecodingPlan {
  readonly decode: PhasePlan;
  /** Units [entry, first kv head, end kv head, -, -] of the entries whose keys are split. */
  readonly merge: PhasePlan;
  readonly keysPerRange: number;
  /** Ranges of each entry; 1 where it isn't decoding or is computed in one piece. */
  readonly ranges: readonly number[];
}

/** The entries that are decoding, over ranges of their keys: [entry, first kv head, end kv head, first key, end key]. */
export function planDecoding(shape: AttentionShape, mayBeSplit: boolean): DecodingPlan {
  const { entries, kvHeads, heads, headDim, valueDim, areHeadsTogether } = shape;
  const decode: Unit[] = [];
  const merge: Unit[] = [];
  const ranges = entries.map((entry, index) => {
    if (!isDecoding(entry, shape)) return 1;
    const isSplit = mayBeSplit && entry.keys > keysPerRange;
    const keyRanges = isSplit ? cut(entry.keys, keysPerRange) : [[0, entry.keys] as const];
    const pairs = attendedPairs(shape, entry, 0, entry.queries);
    const headFlop = (2 * pairs * (heads / kvHeads) * (headDim + valueDim)) / keyRanges.length;
    const together = areHeadsTogether ? kvHeads : Math.floor(clamp(leastDecodingFlop / headFlop, 1, kvHeads));
    for (const [firstHead, endHead] of cut(kvHeads, together)) {
      const flop = headFlop * (endHead - firstHead);
      for (const [first, end] of keyRanges)
        decode.push({ words: [index, firstHead, endHead, first, end], flop });
    }
    if (isSplit) merge.push({ words: [index, 0, kvHeads, 0, 0], flop: 0 });
    return keyRanges.length;
  });
  return { decode: toPlan(decode), merge: toPlan(merge), keysPerRange, ranges };
}

/** How many key/value heads' worth of query heads is computed. */
function livingShare(
  { heads, kvHeads, deadHeads }: AttentionShape,
  firstHead: number,
  endHead: number,
): number {
  const group = heads / kvHeads;
  let dead = 0;
  for (const head of deadHeads) if (head >= firstHead * group && head < endHead * group) dead++;
  return endHead - firstHead - dead / group;
}

/** Pairs of a query and a key that it may attend as far as positions tell, which is what the work is made of. */
function attendedPairs(shape: AttentionShape, entry: Entry, firstQuery: number, endQuery: number): number {
  const { left, right, diagonalOf, extraKeys } = shape;
  let pairs = extraKeys * (endQuery - firstQuery);
  if (left === Infinity && right === Infinity) return pairs + entry.keys * (endQuery - firstQuery);
  const diagonal = diagonalOf(entry);
  for (let i = firstQuery; i < endQuery; i++) {
    const first = Math.max(0, i + diagonal - left);
    const end = Math.min(entry.keys, i + diagonal + right + 1);
    pairs += Math.max(0, end - first);
  }
  return pairs;
}
