// Cuts work into units. Pure: blocks depend on shapes alone, never on the number of workers, so that neither does a
// result. Units are small enough to balance and large enough that taking one costs nothing.
import { mostDecodingRows, unitWords } from '../../workers/protocol.js';
import type { Entry, Heads } from '../attention/problem.js';

/** Units of one phase in the order in which workers take them: a table [unitCount, unitWords] of Int32 and the FLOP of all of them. */
export interface PhasePlan {
  readonly units: Int32Array;
  readonly unitCount: number;
  readonly flop: number;
}

interface Unit {
  readonly words: readonly [number, number, number, number, number];
  readonly flop: number;
}

// Rows and queries of a unit: a multiple of every kernel's block of rows.
const blockRows = 96;
// A unit of less than this (0.05 ms at 40 GFLOP/s) takes on more heads or segments; taking a unit costs about 1 µs.
const leastUnitFlop = 2e6;
// The same when decoding: memory gives the numbers for so much in about 0.05 ms.
const leastDecodingFlop = 4e5;
// 1 MiB, more than taking a unit costs and less than a worker's share.
const readPiece = 2 ** 18;
// Enough units for 16 workers to end at about the same time.
const enoughUnits = 64;

/** One product of rows with packed weights. */
export interface ProductShape {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** All segments of the product's outputs; about equally wide. */
  readonly segments: number;
}

/** Blocks of rows x segments of columns: [product, first row, end row, first segment, end segment]. */
export function planProducts(products: readonly ProductShape[]): PhasePlan {
  const units: Unit[] = [];
  const atoms = products.reduce((sum, { rows, segments }) => sum + Math.ceil(rows / blockRows) * segments, 0);
  products.forEach(({ rows, depth, columns, segments }, product) => {
    const segmentFlop = (2 * Math.min(rows, blockRows) * depth * columns) / segments;
    const width = clamp(Math.max(atoms / enoughUnits, leastUnitFlop / segmentFlop), 1, segments);
    for (const [firstRow, endRow] of cut(rows, blockRows)) {
      for (const [first, end] of cut(segments, Math.floor(width))) {
        const flop = (2 * (endRow - firstRow) * depth * columns * (end - first)) / segments;
        units.push({ words: [product, firstRow, endRow, first, end], flop });
      }
    }
  });
  return toPlan(units);
}

export interface AttentionShape extends Heads {
  readonly entries: readonly Entry[];
  readonly left: number;
  readonly right: number;
  readonly diagonalOf: (entry: Entry) => number;
  readonly extraKeys: number;
  /** Whether one unit must hold all heads of its queries: where they add into one output, in a fixed order. */
  readonly areHeadsTogether: boolean;
}

/** Whether an entry has so few rows that memory bounds it; decided by the entry alone, so that its bytes are too. */
export function isDecoding({ queries }: Entry, { heads, kvHeads }: Heads): boolean {
  return queries * (heads / kvHeads) <= mostDecodingRows;
}

/** Blocks of queries of the entries that aren't decoding: [entry, first kv head, end kv head, first query, end query]. */
export function planAttention(shape: AttentionShape): PhasePlan {
  const { entries, kvHeads, heads, headDim, valueDim, areHeadsTogether } = shape;
  const group = heads / kvHeads;
  const queriesPerUnit = Math.max(1, Math.floor(blockRows / group));
  const units: Unit[] = [];
  const longestOf = entries.map((entry, index) => {
    let longest = 0;
    if (isDecoding(entry, shape)) return longest;
    for (const [firstQuery, endQuery] of cut(entry.queries, queriesPerUnit)) {
      const pairs = attendedPairs(shape, entry, firstQuery, endQuery);
      const headFlop = 2 * pairs * group * (headDim + valueDim);
      const together = areHeadsTogether ? kvHeads : Math.floor(clamp(leastUnitFlop / headFlop, 1, kvHeads));
      for (const [firstHead, endHead] of cut(kvHeads, together)) {
        const flop = headFlop * (endHead - firstHead);
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

// Keys of a range: a multiple of every kernel's tile, and 2 MiB of keys and values at 64 dims.
const keysPerRange = 4096;

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
    if (!isDecoding(entry, shape) || entry.queries === 0) return 1;
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

/** Copies of keys (0) and values (1) of one head each: [entry, first kv head, end kv head, which, -]. */
export function planGather(entries: readonly Entry[], { kvHeads, headDim, valueDim }: Heads): PhasePlan {
  const units = entries.flatMap(({ keys }, entry) =>
    [headDim, valueDim].flatMap((dims, which) =>
      cut(kvHeads, 1).map(([first, end]): Unit => ({
        words: [entry, first, end, which, 0],
        flop: keys * dims,
      })),
    ),
  );
  return { ...toPlan(units), flop: 0 };
}

/** Segments of weights to pack: [linear, segment, -, -, -]. */
export function planPacking(segmentsOfLinears: readonly number[]): PhasePlan {
  const units = segmentsOfLinears.flatMap((segments, linear) =>
    cut(segments, 1).map(([segment]): Unit => ({ words: [linear, segment, 0, 0, 0], flop: 0 })),
  );
  return toPlan(units);
}

/** Reading `length` floats, a piece a unit. */
export function planRead(length: number): PhasePlan {
  const units = cut(length, readPiece).map(([first, end]): Unit => ({
    words: [first, end - first, 0, 0, 0],
    flop: 0,
  }));
  return toPlan(units);
}

/** `count` equal units of `rounds` multiply-adds. */
export function planPeak(count: number, rounds: number): PhasePlan {
  return toPlan(Array.from({ length: count }, (): Unit => ({ words: [rounds, 0, 0, 0, 0], flop: 0 })));
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

function longestFirst(a: Unit, b: Unit): number {
  return b.flop - a.flop;
}

/** [0, length) in pieces of `size`, the last one shorter. */
function cut(length: number, size: number): [number, number][] {
  const pieces: [number, number][] = [];
  for (let start = 0; start < length; start += size) pieces.push([start, Math.min(length, start + size)]);
  return pieces;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

function toPlan(units: Unit[], order = longestFirst): PhasePlan {
  units.sort(order);
  const table = new Int32Array(units.length * unitWords);
  let flop = 0;
  units.forEach((unit, index) => {
    table.set(unit.words, index * unitWords);
    flop += unit.flop;
  });
  return { units: table, unitCount: units.length, flop };
}
