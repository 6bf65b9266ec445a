// What every kernel must do when called directly, as functions that throw: AVA runs them on the kernels of this
// process, `kernel-child.ts` on a kernel that only another process can have.
import assert from 'node:assert/strict';
import {
  checkAddedWeights,
  checkEmptyAfterFull,
  checkExtraColumn,
  checkMasks,
  checkNaN,
  checkRowsAlone,
  checkStrides,
} from './block-checks.js';
import {
  checkDecodingRowsAlone,
  checkDecodingWeights,
  checkRangeMargins,
  checkRanges,
} from './decode-checks.js';
import { blockOf, read, type KernelBench } from './kernel-bench.js';
import { checkInfiniteValues, checkOverflow, checkOverflowAlone } from './overflow-checks.js';
import { checkProductKeepsNothing, checkProductMargins, checkProducts } from './product-checks.js';
import { checkEmptyRanges, checkRangeNaN, checkRangesOfInfiniteScores } from './range-checks.js';
import { strided } from './strided.js';

export const kernelChecks: Readonly<Record<string, (bench: KernelBench) => void>> = {
  'pack and project multiply every number of columns and depths': checkProducts,
  'project writes its columns and nothing beside them': checkProductMargins,
  'project keeps nothing of its rows': checkProductKeepsNothing,
  'attend reads and writes rows at any stride': checkStrides,
  'attend takes a mask, a bias and both, wherever they lie': checkMasks,
  'attend adds its share of the weights to what is there': checkAddedWeights,
  'attend puts the weights of extra keys into their column': checkExtraColumn,
  'the exponential is exact to 4e-7 from 2^-126 to 1, and 0 far below': checkExponential,
  'the logarithm of the sum is exact for sums from 1 to thousands': checkLogarithm,
  'rows without keys are zeros, though scratch space holds what was there before': checkEmptyAfterFull,
  'NaN in a key reaches exactly the rows that attend it': checkNaN,
  'a row has the same bytes alone and in a block, whatever bounds its keys': checkRowsAlone,
  'a decoding block over ranges of keys, merged, is the block in one piece': checkRanges,
  'a decoding block over ranges writes nothing but its parts, and merging nothing but the rows':
    checkRangeMargins,
  'ranges of which a row attends nothing are merged as if they were not there': checkEmptyRanges,
  'NaN and infinity in a range reach exactly the rows that attend them': checkRangeNaN,
  'a range of nothing but scores of -infinity weighs nothing beside the others': checkRangesOfInfiniteScores,
  'a decoding block stores and adds its weights, those of extra keys in their column': checkDecodingWeights,
  'a decoding row has the same bytes alone and beside others': checkDecodingRowsAlone,
  'values whose sum overflows give their mean, and other columns the bytes that they had': checkOverflow,
  'a row of huge values has the same bytes alone and beside others': checkOverflowAlone,
  'NaN and infinity in a value reach exactly the numbers that they belong to': checkInfiniteValues,
  'multiplyAdd ends': ({ kernel }) => {
    kernel.multiplyAdd(1000);
  },
};

/** Weights and log-sum-exp of one row whose scores are `exponents` · ln 2, rounded to float32. */
function attendScores(
  { kernel, place }: KernelBench,
  exponents: readonly number[],
): { weights: Float32Array; logSumExp: number } {
  const keys = exponents.length;
  const weights = place(new Float32Array(keys));
  const logSumExp = place([0]);
  kernel.attend(
    blockOf({
      keys,
      headDim: 1,
      valueDim: 1,
      query: place([1]),
      key: place(exponents),
      value: place(exponents),
      output: place([0]),
      rules: { scale: Math.fround(Math.LN2) },
      weights: { ...strided(weights, { rowStride: keys }), extraColumn: keys, share: 1, isAdded: false },
      logSumExp: strided(logSumExp),
    }),
  );
  return { weights: read(weights, keys), logSumExp: read(logSumExp, 1)[0]! };
}

export function checkExponential(bench: KernelBench): void {
  for (let n = 0; n <= 126 * 64; n++) {
    const exponent = -n / 64;
    const { weights } = attendScores(bench, [0, exponent]);
    // The score is a float32 before it is an exponent.
    const power = Math.exp(Math.fround(exponent * Math.fround(Math.LN2)));
    const error = Math.abs(weights[1]! / (power / (1 + power)) - 1);
    assert.ok(error <= 4e-7, `2^${exponent}: relative error ${error}`);
  }
  for (const exponent of [-160, -1000, -1e30]) {
    assert.deepEqual([...attendScores(bench, [0, exponent]).weights], [1, 0], `2^${exponent}`);
  }
}

export function checkLogarithm(bench: KernelBench): void {
  for (const count of [1, 2, 3, 5, 64, 65, 1000, 4096]) {
    for (const exponent of [-100, -1.5, 0, 0.25, 3, 90]) {
      const { logSumExp } = attendScores(bench, new Array<number>(count).fill(exponent));
      const wanted = exponent * Math.LN2 + Math.log(count);
      assert.ok(
        Math.abs(logSumExp - wanted) <= 3e-7 * Math.max(1, Math.abs(wanted)),
        `${count} keys of 2^${exponent}`,
      );
    }
  }
}
