// A case of the rotating phase: heads laid out, its units run, and where each number and position lies.
import { regionOf, RegionViews } from '../../src/core/tensor/region.js';
import { rotateUnits } from '../../workers/phases/rotate.js';
import type { Rotary, RotateWork } from '../../src/core/protocol/head-work.js';
import { entryWords, unitWords } from '../../src/core/protocol/tables.js';
import { normalTensor } from './random.js';
import { strided } from './strided.js';

export type Floats = Float32Array<SharedArrayBuffer>;
type Arrangement = 'head-major' | 'token-major';

/** One sequence of a batch. */
export interface Sequence {
  readonly queries: number;
  readonly keys: number;
  /** The position of query 0. */
  readonly diagonal: number;
  /** The position of key 0, default 0. */
  readonly keyPosition?: number;
}

/** Heads to normalise and turn; everything absent is left out, or small. */
export interface RotateCase {
  readonly headDim?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly sequences?: readonly Sequence[];
  /** The numbers of the queries; default random, as the keys are. */
  readonly queries?: ArrayLike<number>;
  readonly arrangement?: Arrangement;
  readonly norm?: { readonly q: Floats; readonly k: Floats; readonly epsilon: number };
  readonly rotary?: Rotary;
  /** Of every query row of the batch, and of every key row. */
  readonly positions?: { readonly q: readonly number[]; readonly k: readonly number[] };
}

export const fewTokens: Sequence = { queries: 5, keys: 7, diagonal: 2 };

/** One side of a case, before and after its units ran, and the position of each row. */
export interface Side {
  readonly before: Float32Array;
  readonly data: Floats;
  readonly heads: number;
  readonly rows: number;
  readonly weight: Floats | undefined;
  readonly positions: readonly number[];
  readonly elementOf: (head: number, row: number, d: number) => number;
}

/** A case before it is run. */
export interface PreparedRotation {
  readonly query: Side;
  readonly key: Side;
  readonly work: RotateWork;
  /** A few rows each, last ones first. */
  readonly units: readonly Int32Array[];
  readonly entries: Float64Array;
}

/** Runs all units of a case. */
export function rotate(options: RotateCase): { readonly query: Side; readonly key: Side } {
  const { query, key, work, units, entries } = prepareRotation(options);
  const run = rotateUnits(work, [entries], new RegionViews(undefined));
  for (const unit of units) {
    if (unit.length !== unitWords) throw new Error('a unit has other words');
    run(unit);
  }
  return { query, key };
}

export function prepareRotation(options: RotateCase): PreparedRotation {
  const {
    headDim = 8,
    heads = 2,
    kvHeads = heads,
    sequences = [fewTokens],
    arrangement = 'head-major',
  } = options;
  const { norm, rotary, positions } = options;
  const table = new Float64Array(sequences.length * entryWords.count);
  const units: Int32Array[] = [];
  const place = (which: 0 | 1): Side => {
    const count = which === 0 ? heads : kvHeads;
    const lengths = sequences.map(({ queries, keys }) => (which === 0 ? queries : keys));
    const rows = lengths.reduce((sum, length) => sum + length, 0);
    const [headStride, rowStride] =
      arrangement === 'head-major' ? [rows * headDim, headDim] : [headDim, count * headDim];
    const { data } = normalTensor([count * rows * headDim], 1 + which);
    if (which === 0 && options.queries !== undefined) data.set(options.queries);
    const stands: number[] = [];
    let row = 0;
    for (const [index, length] of lengths.entries()) {
      const at = index * entryWords.count;
      const { diagonal, keyPosition = 0 } = sequences[index]!;
      table[at + (which === 0 ? entryWords.queryOffset : entryWords.keyOffset)] = row * rowStride;
      table[at + (which === 0 ? entryWords.queries : entryWords.keys)] = length;
      table[at + entryWords.diagonal] = diagonal;
      table[at + entryWords.keyPosition] = keyPosition;
      for (let i = 0; i < length; i++) stands.push((which === 0 ? diagonal : keyPosition) + i);
      for (let first = 0; first < length; first += 3) {
        units.unshift(Int32Array.of(index, which, first, Math.min(length, first + 3), row));
      }
      row += length;
    }
    const side = which === 0 ? ('q' as const) : ('k' as const);
    return {
      before: data.slice(),
      data,
      heads: count,
      rows,
      weight: norm?.[side],
      positions: positions?.[side] ?? stands,
      elementOf: (head, at, d) => head * headStride + at * rowStride + d,
    };
  };
  const [query, key] = [place(0), place(1)];
  const describe = ({
    data,
    heads: count,
    weight,
    elementOf,
    positions: given,
  }: Side): RotateWork['query'] => ({
    layout: strided(
      { data: regionOf(data), offset: 0 },
      { headStride: elementOf(1, 0, 0), rowStride: elementOf(0, 1, 0) },
    ),
    heads: count,
    norm: weight === undefined ? null : regionOf(weight),
    positions: positions === undefined ? null : regionOf(shareDoubles(given)),
  });
  const work: RotateWork = {
    kind: 'rotate',
    query: describe(query),
    key: describe(key),
    headDim,
    epsilon: norm?.epsilon ?? 0,
    rotary: rotary ?? null,
  };
  return { query, key, work, units, entries: table };
}

function shareDoubles(numbers: readonly number[]): Float64Array<SharedArrayBuffer> {
  const shared = new Float64Array(new SharedArrayBuffer(numbers.length * 8));
  shared.set(numbers);
  return shared;
}
