// Cuts products, packing and measurements into units. Pure: blocks depend on shapes alone, never on the number of
// workers, so that neither does a result. Units are small enough to balance and large enough that taking one costs nothing.
import { clamp, cut, leastUnitFlop, toPlan, type PhasePlan, type Unit } from './units.js';

// 1 MiB of floats, more than taking a unit costs and less than a worker's share.
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
  /** Segments that nobody reads. */
  readonly deadSegments?: ReadonlySet<number>;
}

/** Blocks of rows x segments of columns: [product, first row, end row, first segment, end segment]. */
export function planProducts(products: readonly ProductShape[], unitRows: number): PhasePlan {
  const units: Unit[] = [];
  const atoms = products.reduce((sum, { rows, segments }) => sum + Math.ceil(rows / unitRows) * segments, 0);
  products.forEach(({ rows, depth, columns, segments, deadSegments }, product) => {
    const segmentFlop = (2 * Math.min(rows, unitRows) * depth * columns) / segments;
    const width = clamp(Math.max(atoms / enoughUnits, leastUnitFlop / segmentFlop), 1, segments);
    for (const [firstRow, endRow] of cut(rows, unitRows)) {
      for (const [first, end] of cutLiving(segments, Math.floor(width), deadSegments)) {
        const flop = (2 * (endRow - firstRow) * depth * columns * (end - first)) / segments;
        units.push({ words: [product, firstRow, endRow, first, end], flop });
      }
    }
  });
  return toPlan(units);
}

/** [0, length) in pieces of at most `size` without what is dead. */
function cutLiving(length: number, size: number, dead: ReadonlySet<number> = new Set()): [number, number][] {
  if (dead.size === 0) return cut(length, size);
  const pieces: [number, number][] = [];
  for (let n = 0; n < length; n++) {
    if (dead.has(n)) continue;
    const last = pieces.at(-1);
    if (last?.[1] === n && n - last[0] < size) last[1]++;
    else pieces.push([n, n + 1]);
  }
  return pieces;
}

/** Segments of weights to pack: [linear, segment, -, -, -]. */
export function planPacking(segmentsOfLinears: readonly number[]): PhasePlan {
  const units = segmentsOfLinears.flatMap((segments, linear) =>
    cut(segments, 1).map(([segment]): Unit => ({ words: [linear, segment, 0, 0, 0], flop: 0 })),
  );
  return toPlan(units);
}

/** Heads of which each is a unit: [head, -, -, -, -]. */
export function planHeads(heads: number): PhasePlan {
  return toPlan(cut(heads, 1).map(([head]): Unit => ({ words: [head, 0, 0, 0, 0], flop: 0 })));
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
