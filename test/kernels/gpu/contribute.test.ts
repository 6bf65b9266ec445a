// Norms of contributions on the software device, against √(oᵀ·G·o) in float64.
import test from 'ava';
import { entryWords } from '../../../src/core/protocol/tables.js';
import {
  contributeForm,
  contributeGroups,
  contributeShader,
  contributeUniform,
  contributingRows,
} from '../../../workers/kernels/gpu/contribute.js';
import { assertSameBytes } from '../../helpers/assertions.js';
import { normalTensor } from '../../helpers/random.js';
import { runShader } from '../../helpers/shader-bench.js';
import { gpuTest } from '../../helpers/software-gpu.js';

interface ContributeCase {
  readonly heads: number;
  readonly valueDim: number;
  /** Rows of each entry; a row that belongs to none lies between two entries. */
  readonly queries: readonly number[];
  readonly spread?: number;
  /** Default Gram matrices of random weights. */
  readonly gram?: Float32Array;
  readonly poison?: { readonly at: number; readonly value: number };
}

/** Gram matrices of random weights, [heads, valueDim, valueDim]. */
function gramOf(heads: number, valueDim: number): Float32Array {
  const outputs = valueDim + 2;
  const weight = normalTensor([heads, outputs, valueDim], 6).data;
  return Float32Array.from({ length: heads * valueDim * valueDim }, (_, n) => {
    const head = Math.floor(n / valueDim ** 2);
    const [a, b] = [Math.floor(n / valueDim) % valueDim, n % valueDim];
    let sum = 0;
    for (let row = 0; row < outputs; row++) {
      const start = (head * outputs + row) * valueDim;
      sum += weight[start + a]! * weight[start + b]!;
    }
    return sum;
  });
}

async function contribute(options: ContributeCase) {
  const { heads, valueDim, queries, spread = 1, gram = gramOf(heads, valueDim), poison } = options;
  const rowStride = heads * valueDim;
  const entries = new Float64Array(queries.length * entryWords.count);
  let row = 0;
  queries.forEach((count, entry) => {
    entries[entry * entryWords.count + entryWords.queries] = count;
    entries[entry * entryWords.count + entryWords.outputOffset] = row * rowStride;
    row += count + 1;
  });
  const concat = normalTensor([row * rowStride], 5, spread).data;
  if (poison !== undefined) concat[poison.at] = poison.value;
  const rows = contributingRows({ rowStride }, entries);
  const call = { heads, valueDim, concat: { headStride: valueDim, rowStride }, rows };
  const after = await runShader(
    contributeShader(contributeForm(call)),
    contributeUniform(call),
    [rows, concat, gram, new Float32Array(rows.length * heads)],
    contributeGroups(call),
  );
  const wanted = Float64Array.from({ length: rows.length * heads }, (_, n) => {
    const head = n % heads;
    const o = concat.subarray(rows[Math.floor(n / heads)]! + head * valueDim).subarray(0, valueDim);
    let square = 0;
    for (let a = 0; a < valueDim; a++) {
      for (let b = 0; b < valueDim; b++)
        square += o[a]! * gram[(head * valueDim + a) * valueDim + b]! * o[b]!;
    }
    return Math.sqrt(square);
  });
  return { norms: after.at(-1) as Float32Array, wanted };
}

for (const [heads, valueDim, queries] of [
  [1, 1, [1]],
  [3, 8, [5, 0, 12]],
  [2, 33, [9, 8]],
  [1, 129, [3]],
] as const) {
  gpuTest(`norms of ${heads} heads of ${valueDim}, of ${queries.join(' + ')} rows`, async (t) => {
    const { norms, wanted } = await contribute({ heads, valueDim, queries });
    t.is(norms.length, wanted.length);
    norms.forEach((norm, n) => {
      t.true(Math.abs(norm - wanted[n]!) <= 2e-6 * wanted[n]!, `${n}: ${norm} instead of ${wanted[n]!}`);
    });
  });
}

for (const spread of [1e-30, 1e30]) {
  gpuTest(`squares of numbers of the size of ${spread} don't matter`, async (t) => {
    const { norms, wanted } = await contribute({ heads: 2, valueDim: 8, queries: [4], spread });
    norms.forEach((norm, n) => {
      t.true(Math.abs(norm - wanted[n]!) <= 2e-6 * wanted[n]!, `${n}: ${norm} instead of ${wanted[n]!}`);
    });
  });
}

gpuTest('a NaN touches its head of its row alone, and infinity is large', async (t) => {
  const options = { heads: 2, valueDim: 5, queries: [9] };
  const clean = await contribute(options);
  const at = (3 * 2 + 1) * 5 + 2;
  const poisoned = await contribute({ ...options, poison: { at, value: NaN } });
  const expected = clean.norms.slice();
  expected[3 * 2 + 1] = NaN;
  assertSameBytes(t, poisoned.norms, expected);
  const infinite = await contribute({
    heads: 1,
    valueDim: 1,
    queries: [2],
    poison: { at: 1, value: -Infinity },
  });
  t.is(infinite.norms[1], Infinity);
  t.true(Number.isFinite(infinite.norms[0]));
});

gpuTest('a square below 0 counts as 0', async (t) => {
  const gram = Float32Array.of(-1e-7);
  const { norms } = await contribute({ heads: 1, valueDim: 1, queries: [3], gram });
  assertSameBytes(t, norms, new Float32Array(3));
});

test('rows are those of the entries', (t) => {
  const entries = new Float64Array(2 * entryWords.count);
  entries[entryWords.queries] = 2;
  entries[entryWords.outputOffset] = 40;
  entries[entryWords.count + entryWords.queries] = 1;
  entries[entryWords.count + entryWords.outputOffset] = 7;
  t.deepEqual([...contributingRows({ rowStride: 10 }, entries)], [40, 50, 7]);
});
