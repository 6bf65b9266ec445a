// Where a case lies in a roofline: the bytes that it must move at least once, each read or written once.
import { bytesPerElement } from '../../../core/tensor/dtype.js';
import type { BenchCase } from '../../grid/results.js';

const floatBytes = 4;

/**
 * Inputs, weights, outputs and in mode decode the cached keys and values that a token attends. Inputs and cache are of the
 * case's dtype, weights and outputs of 4 bytes.
 */
export function bytesOfCase(benchCase: BenchCase): number {
  const { mode, modelDim, headDim, kvHeads, tokens, batch, window, dtype } = benchCase;
  const inputBytes = bytesPerElement[dtype];
  const keyDim = kvHeads * headDim;
  const weights = 2 * modelDim * (modelDim + keyDim) * floatBytes;
  switch (mode) {
    case 'layer':
      return batch * tokens * modelDim * (inputBytes + floatBytes) + weights;
    case 'attention':
      return batch * tokens * (modelDim * (inputBytes + floatBytes) + 2 * keyDim * inputBytes);
    case 'decode': {
      const attended = window === null ? tokens : Math.min(tokens, window);
      return batch * (2 * attended * keyDim * inputBytes + modelDim * (inputBytes + floatBytes)) + weights;
    }
  }
}
