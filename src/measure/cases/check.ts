// Holds the results of a case against float64: all rows of a small case, else three. Nothing wrong is timed.
import type { AttentionResult, HeadStatistics } from '../../attention/result.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import { decodeInto } from '../../core/tensor/dtype.js';
import type { Tensor, TensorLike } from '../../core/tensor/tensor.js';
import { bytesOf } from '../../files/positional-io.js';
import type { CaseShape } from '../grid/results.js';
import { keysOf, optionsOf, type AttentionOperands, type Operands } from './operands.js';
import { Oracle, type HeadRow, type RowPlace } from './oracle-row.js';

// More than sums of this length have in float32; what a cache of 16 bits rounds comes on top.
const mostError = { f32: 1e-4, f16: 2 ** -9, bf16: 2 ** -6 } as const satisfies Record<Dtype, number>;

// The oracle computes about 1 GFLOP a second on one thread.
const mostWholeFlop = 5e7;
export const oracleFlopPerSecond = 1e9;

/** A row of a result and what it should be. */
interface ComparedRow {
  readonly name: string;
  readonly found: ArrayLike<number>;
  readonly wanted: ArrayLike<number>;
}

/**
 * Everything that the call returns.
 * @param what begins the message
 * @returns the largest error of a row, as a share of the largest number in the row
 * @throws RangeError naming the row and the error, if that is more than float32 explains
 */
export function checkResult(
  what: string,
  shape: CaseShape,
  operands: Operands,
  result: AttentionResult,
): number {
  const most = shape.mode === 'decode' ? mostError[shape.dtype] : mostError.f32;
  let largest = 0;
  for (const { name, found, wanted } of compareRows(shape, operands, result)) {
    const error = relativeError(found, wanted);
    checkClose(`${what}: ${name}`, error, most);
    largest = Math.max(largest, error);
  }
  return largest;
}

/** @throws RangeError if the error reaches `most`, by default more than float32's of sums this long */
export function checkClose(what: string, error: number, most: number = mostError.f32): void {
  if (error < most) return;
  throw new RangeError(
    `${what} is wrong: its relative error is ${error.toExponential(1)}, expected less than ${most.toExponential(1)}`,
  );
}

/** The largest difference from `wanted`, as a share of the largest number in it; Infinity if one is longer or holds NaN. */
export function relativeError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let n = 0; n < wanted.length; n++) {
    difference = Math.max(difference, Math.abs(found[n]! - wanted[n]!));
    largest = Math.max(largest, Math.abs(wanted[n]!));
  }
  if (found.length !== wanted.length || Number.isNaN(difference)) return Infinity;
  return difference === 0 ? 0 : difference / largest;
}

/** @throws RangeError if one byte differs */
export function checkSameBytes(what: string, one: Tensor, many: Tensor): void {
  if (Buffer.compare(bytesOf(one.data), bytesOf(many.data)) !== 0)
    throw new RangeError(`${what} is wrong: other bytes than those of one worker`);
}

/** Of the rows that are checked. */
export function checkFlop(shape: CaseShape): number {
  return rowsOf(shape).length * rowFlop(shape);
}

function* compareRows(
  shape: CaseShape,
  operands: Operands,
  { output, weights, logSumExp, headStatistics }: AttentionResult,
): Generator<ComparedRow> {
  const { mode, heads, kvHeads, headDim, modelDim, batch } = shape;
  const keys = keysOf(shape);
  const queries = mode === 'decode' ? 1 : keys;
  const causal = shape.causal || mode === 'decode';
  const options = { ...optionsOf(shape), causal };
  const oracle = new Oracle({ heads, kvHeads, headDim, batch, queries: keys, keys }, options);
  const layer = operands.mode === 'attention' ? undefined : { ...operands, x: floatsOf(operands.x) };
  const given = operands.mode === 'attention' ? floatsOfAll(operands) : undefined;
  const places = rowsOf(shape);
  const seen: HeadRow[][] = [];
  for (const place of places) {
    const ofRow = `row ${place.query} of sequence ${place.entry}`;
    const whole = layer && oracle.layerRow(layer, place);
    const rows = whole?.heads ?? range(heads).map((head) => oracle.attentionRow(given!, place, head));
    // Where a cache holds the earlier tokens, the call has one row a sequence.
    const query = mode === 'decode' ? 0 : place.query;
    const at = (head: number): number => (place.entry * heads + head) * queries + query;
    if (whole) {
      const found = rowAt(output, place.entry * queries + query, modelDim);
      yield { name: ofRow, found, wanted: whole.output };
    }
    for (const [head, row] of rows.entries()) {
      const name = `head ${head} of ${ofRow}`;
      if (!whole) yield { name, found: rowAt(output, at(head), headDim), wanted: row.output };
      if (options.returnWeights === undefined) continue;
      yield { name: `weights of ${name}`, found: rowAt(weights, at(head), keys), wanted: row.weights };
    }
    if (options.returnLogSumExp === true) {
      const found = rows.map((_, head) => logSumExp?.data[at(head)] ?? NaN);
      yield { name: `logSumExp of ${ofRow}`, found, wanted: rows.map((row) => row.logSumExp) };
    }
    seen.push([...rows]);
  }
  if (options.headStatistics === true && places.length === batch * queries)
    yield* compareStatistics(seen, queries, headStatistics);
}

type StatisticName = Exclude<keyof HeadStatistics, 'contributionNorm'>;

/** Of a row; all rows of these attend something. */
const statistics: Readonly<Record<StatisticName, (row: HeadRow) => number>> = {
  entropy: ({ weights }) => sumOf(weights, (p) => (p === 0 ? 0 : -p * Math.log(p))),
  meanDistance: ({ weights, position }) => sumOf(weights, (p, key) => p * Math.abs(position - key)),
  first: ({ weights }) => weights[0]!,
  self: ({ weights, position }) => weights[position] ?? 0,
  previous: ({ weights, position }) => weights[position - 1] ?? 0,
  next: ({ weights, position }) => weights[position + 1] ?? 0,
  largest: ({ weights }) => weights.reduce((a, b) => Math.max(a, b)),
  outputNorm: ({ output }) => Math.sqrt(sumOf(output, (value) => value ** 2)),
};

/** @param rows of all heads, of the queries of one sequence after the other */
function* compareStatistics(
  rows: readonly (readonly HeadRow[])[],
  queries: number,
  found: HeadStatistics | undefined,
): Generator<ComparedRow> {
  for (const [name, measure] of Object.entries(statistics)) {
    const wanted = range(rows.length / queries).flatMap((entry) =>
      rows[0]!.map((_, head) => {
        const own = rows.slice(entry * queries, (entry + 1) * queries).map((row) => measure(row[head]!));
        return own.reduce((a, b) => a + b) / queries;
      }),
    );
    yield { name, found: found?.[name as StatisticName].data ?? [], wanted };
  }
}

/** All rows, or the first, one in the middle and the last. */
function rowsOf(shape: CaseShape): RowPlace[] {
  const { mode, batch } = shape;
  const firstQuery = mode === 'decode' ? shape.tokens : 0;
  const queries = keysOf(shape) - firstQuery;
  const count = batch * queries;
  const isWhole = count * rowFlop(shape) <= mostWholeFlop;
  const rows = isWhole ? range(count) : [...new Set([0, count >> 1, count - 1])];
  return rows.map((row) => ({ entry: Math.floor(row / queries), query: firstQuery + (row % queries) }));
}

/** Of one row of all heads. */
function rowFlop(shape: CaseShape): number {
  const { mode, heads, headDim, modelDim } = shape;
  const ofKeys = 4 * heads * keysOf(shape) * (mode === 'attention' ? headDim : modelDim);
  return mode === 'attention' ? ofKeys : ofKeys + 8 * modelDim ** 2;
}

function floatsOfAll({ q, k, v }: AttentionOperands) {
  return { q: floatsOf(q), k: floatsOf(k), v: floatsOf(v) };
}

function floatsOf({ data, dtype = 'f32' }: TensorLike): Float32Array {
  if (data instanceof Float32Array) return data;
  const floats = new Float32Array(data.length);
  decodeInto(floats, data, dtype);
  return floats;
}

function rowAt(tensor: Tensor | undefined, row: number, width: number): ArrayLike<number> {
  return tensor?.data.subarray(row * width, (row + 1) * width) ?? [];
}

function range(length: number): number[] {
  return [...Array(length).keys()];
}

function sumOf(numbers: Float64Array, term: (value: number, index: number) => number): number {
  return numbers.reduce((sum, value, index) => sum + term(value, index), 0);
}
