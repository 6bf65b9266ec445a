// Outputs are looked at before anything is timed: the same bytes from every number of workers, and sampled rows as a
// float64 program computes them.
import { bytesOf } from '../../files/positional-io.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { layerRow } from '../oracle-row.js';
import { relativeError } from '../relative-error.js';
import type { WorkOperands } from './layer.js';

// More than float32's rounding of sums this long, and far less than a wrong row.
const mostError = 1e-4;

/** @throws RangeError if one byte differs */
export function checkSameBytes(what: string, one: Tensor, many: Tensor): void {
  if (Buffer.compare(bytesOf(one.data), bytesOf(many.data)) !== 0)
    throw new RangeError(`${what} is wrong: other bytes than those of one worker`);
}

/** The first row, the last and one in the middle. @throws RangeError if one is wrong */
export function checkRows(what: string, { work, x, weights }: WorkOperands, output: Tensor): void {
  const { batch, tokens, modelDim, heads } = work;
  const shape = { ...work, kvHeads: heads, headDim: modelDim / heads, causal: false, window: null };
  for (const row of new Set([0, (batch * tokens) >> 1, batch * tokens - 1])) {
    const place = { entry: Math.floor(row / tokens), query: row % tokens, tokens };
    const found = output.data.subarray(row * modelDim, (row + 1) * modelDim);
    const error = relativeError(found, layerRow(shape, { x: x.data, weights }, place));
    if (error < mostError) continue;
    throw new RangeError(
      `${what} is wrong: row ${row} is off by ${error.toExponential(1)} of its largest number`,
    );
  }
}
