// Holds the output of a case against float64: all of a small case, else three rows of every head. Nothing wrong is timed.
import type { Dtype } from '../../core/tensor/dtype.js';
import { decodeInto } from '../../core/tensor/dtype.js';
import type { Tensor, TensorLike } from '../../core/tensor/tensor.js';
import { attentionRow, layerRow, type RowPlace } from '../oracle-row.js';
import { relativeError } from '../relative-error.js';
import type { Operands } from './case.js';
import { nameOfCase, type BenchCase } from './results.js';
import { attendedPairs } from './work.js';

// More than sums of this length have in float32; what a cache of 16 bits rounds comes on top.
const mostError = { f32: 1e-4, f16: 2 ** -9, bf16: 2 ** -6 } as const satisfies Record<Dtype, number>;

// The oracle computes about 1 GFLOP a second on one thread.
const mostWholeFlop = 2e7;
export const oracleFlopPerSecond = 1e9;

/**
 * The largest error of a row, as a share of the largest number in the row.
 * @throws RangeError naming the case, the row and the error, if that is more than float32 explains
 */
export function checkOutput(benchCase: BenchCase, operands: Operands, output: Tensor): number {
  const most = benchCase.mode === 'decode' ? mostError[benchCase.dtype] : mostError.f32;
  let largest = 0;
  for (const { name, found, wanted } of compareRows(benchCase, operands, output)) {
    const error = relativeError(found, wanted);
    if (!(error < most)) {
      throw new RangeError(
        `${nameOfCase(benchCase)}: ${name} is wrong: its relative error is ${error.toExponential(1)}, ` +
          `expected less than ${most.toExponential(1)}`,
      );
    }
    largest = Math.max(largest, error);
  }
  return largest;
}

/** Of the rows that are checked. */
export function checkFlop(benchCase: BenchCase): number {
  return rowsOf(benchCase).length * rowFlop(benchCase);
}

interface ComparedRow {
  readonly name: string;
  readonly found: Float32Array;
  readonly wanted: Float64Array;
}

function* compareRows(benchCase: BenchCase, operands: Operands, output: Tensor): Generator<ComparedRow> {
  const { heads, headDim, modelDim, tokens } = benchCase;
  const rows = rowsOf(benchCase);
  if (operands.mode === 'attention') {
    const floats = { q: floatsOf(operands.q), k: floatsOf(operands.k), v: floatsOf(operands.v) };
    for (const place of rows) {
      for (let head = 0; head < heads; head++) {
        const start = ((place.entry * heads + head) * tokens + place.query) * headDim;
        yield {
          name: `head ${head} of row ${place.query} of sequence ${place.entry}`,
          found: output.data.subarray(start, start + headDim),
          wanted: attentionRow(benchCase, floats, place, head),
        };
      }
    }
    return;
  }
  const floats = { x: floatsOf(operands.x), weights: operands.weights };
  for (const place of rows) {
    const row = operands.mode === 'decode' ? place.entry : place.entry * tokens + place.query;
    yield {
      name: `row ${place.query} of sequence ${place.entry}`,
      found: output.data.subarray(row * modelDim, (row + 1) * modelDim),
      wanted: layerRow(benchCase, floats, place),
    };
  }
}

/** All rows, or the first, one in the middle and the last. */
function rowsOf(benchCase: BenchCase): RowPlace[] {
  const { mode, batch } = benchCase;
  const tokens = benchCase.tokens + (mode === 'decode' ? 1 : 0);
  const firstQuery = mode === 'decode' ? tokens - 1 : 0;
  const queries = tokens - firstQuery;
  const count = batch * queries;
  const isWhole = count * rowFlop(benchCase) <= mostWholeFlop;
  const rows = isWhole ? [...Array(count).keys()] : [...new Set([0, count >> 1, count - 1])];
  return rows.map((row) => ({
    entry: Math.floor(row / queries),
    query: firstQuery + (row % queries),
    tokens,
  }));
}

/** Of one row of all heads, on average. */
function rowFlop(benchCase: BenchCase): number {
  const { mode, heads, headDim, modelDim, tokens } = benchCase;
  const keys = attendedPairs(benchCase) / (mode === 'decode' ? 1 : tokens);
  const ofKeys = 4 * heads * keys * (mode === 'attention' ? headDim : modelDim);
  return mode === 'attention' ? ofKeys : ofKeys + 8 * modelDim ** 2;
}

function floatsOf({ data, dtype = 'f32' }: TensorLike): Float32Array {
  if (data instanceof Float32Array) return data;
  const floats = new Float32Array(data.length);
  decodeInto(floats, data, dtype);
  return floats;
}
