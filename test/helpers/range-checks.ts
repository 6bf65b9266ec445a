// What every kernel must make of ranges of keys that hold nothing for a row, or NaN, or infinity, as functions that throw.
import assert from 'node:assert/strict';
import { attendOracle, type OracleInputs } from '../oracle/oracle.js';
import { attendRanges, decodingBlock, decodingCase, resultsOf } from './decode-block.js';
import type { KernelBench } from './kernel-bench.js';
import { randomMask } from './random.js';
import { strided } from './strided.js';
import { findDeviation } from './tolerance.js';

export function checkEmptyRanges({ kernel, place, placeOutside }: KernelBench): void {
  const [queries, group, keys, keysPerRange] = [3, 2, 300, 100];
  // What each query attends: nothing but the last range, nothing at all, everything but the range between.
  const mayAttend = (i: number, j: number): boolean =>
    i === 0 ? j >= 200 : i === 2 && (j < 100 || j >= 200);
  const bytes = Uint8Array.from({ length: queries * keys }, (_, n) =>
    mayAttend(Math.floor(n / keys), n % keys) ? 1 : 0,
  );
  const mask = { shape: [queries, keys], data: bytes };
  for (const put of [place, placeOutside]) {
    const oracle = decodingCase(group, { queries, keys, headDim: 4, mask, spread: 3 });
    const wanted = attendOracle(oracle);
    const shared = { ...maskOf(mask, queries, keys), headStride: 0 };
    const some = decodingBlock(place, put, oracle, { mask: shared });
    attendRanges({ kernel, place }, some, keysPerRange);
    const { output, logSumExp } = resultsOf(some);
    assert.equal(findDeviation(output, wanted.output), undefined);
    assert.equal(findDeviation(logSumExp, wanted.logSumExp, 2e-6, 1e-6), undefined);
    assert.ok(output.subarray(4, 8).every((value) => Object.is(value, 0)));

    for (const { position, rules } of [
      { position: 0, rules: { mask: { ...shared, data: new Uint8Array(queries * keys) } } },
      { position: -queries, rules: { right: 0 } },
      { position: keys, rules: { left: 0 } },
    ]) {
      const block = { ...decodingBlock(place, put, oracle, rules), position };
      attendRanges({ kernel, place }, block, keysPerRange);
      assert.ok(resultsOf(block).output.every((value) => Object.is(value, 0)));
      assert.ok(resultsOf(block).logSumExp.every((value) => value === -Infinity));
    }
  }
}

export function checkRangeNaN({ kernel, place }: KernelBench): void {
  const [queries, keys, left] = [8, 200, 77];
  const mask = randomMask([queries, keys], 6, 0.5);
  for (let i = 0; i < queries; i++) mask.data[i * keys + left] = 0;
  const clean = decodingCase(1, { queries, keys, headDim: 4, mask });
  const run = (oracle: OracleInputs, keysPerRange: number): Float32Array => {
    const block = decodingBlock(place, place, oracle, { mask: maskOf(mask, queries, keys) });
    if (keysPerRange < keys) attendRanges({ kernel, place }, block, keysPerRange);
    else kernel.attend(block);
    return resultsOf(block).output;
  };
  const poison = (numbers: ArrayLike<number>, j: number, value: number) =>
    Float32Array.from(numbers, (number, n) => (Math.floor(n / 4) === j ? value : number));
  for (const keysPerRange of [64, keys]) {
    const wanted = run(clean, keysPerRange);
    for (const value of [NaN, Infinity, -Infinity]) {
      const oracle = { ...clean, k: poison(clean.k, left, value), v: poison(clean.v, left, value) };
      assert.deepEqual(run(oracle, keysPerRange), wanted, `${value} in a key that is left out`);
    }
    for (const j of [0, 63, 64, 130, 199]) {
      const output = run({ ...clean, k: poison(clean.k, j, NaN) }, keysPerRange);
      for (let n = 0; n < queries * 4; n++) {
        const isReached = mask.data[Math.floor(n / 4) * keys + j] !== 0;
        assert.ok(Object.is(output[n], isReached ? NaN : wanted[n]), `key ${j}, query ${Math.floor(n / 4)}`);
      }
    }
  }
}

export function checkRangesOfInfiniteScores({ kernel, place }: KernelBench): void {
  // Scores of -infinity from the keys themselves: they have the weight 0, which 1 / 0 must not make NaN of.
  const oracle = decodingCase(1, { queries: 1, keys: 192, headDim: 1, valueDim: 3, scale: 1 });
  for (const first of [0, 64, 128]) {
    const k = Float32Array.from(oracle.k, (value, j) => (j >= first && j < first + 64 ? -Infinity : value));
    const inputs = { ...oracle, q: [1], k };
    const block = decodingBlock(place, place, inputs, { scale: 1 });
    attendRanges({ kernel, place }, block, 64);
    const { output, logSumExp } = resultsOf(block);
    const wanted = attendOracle(inputs);
    assert.equal(findDeviation(output, wanted.output), undefined, `keys from ${first} on`);
    assert.equal(findDeviation(logSumExp, wanted.logSumExp), undefined, `keys from ${first} on`);
  }
}

function maskOf({ data }: ReturnType<typeof randomMask>, queries: number, keys: number) {
  return strided({ data, offset: 0 }, { headStride: queries * keys, rowStride: keys });
}
