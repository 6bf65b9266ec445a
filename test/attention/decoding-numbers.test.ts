// What NaN, infinity and logits at the edges may and may not reach where few rows meet ranges of keys.
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase, checkLargeScores } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { checkPoisoned } from '../helpers/poisons.js';
import { randomMask } from '../helpers/random.js';
import { assertClose } from '../helpers/tolerance.js';

const engineOf = openEngines();
const keys = 4200;
const size = { batch: 2, heads: 4, kvHeads: 2, queries: 1, keys, headDim: 5, valueDim: 9 };

testKernels(engineOf, 'NaN and infinity that few rows leave out change no byte', async (t, engine) => {
  const mask = randomMask([2, 1, 1, keys], 1, 0.5);
  mask.data.fill(0, 0, 4096);
  const bias = {
    shape: [keys],
    data: Float32Array.from({ length: keys }, (_, j) => (j % 3 === 0 ? -Infinity : 0.25)),
  };
  const keyLengths = [3, 4100];
  for (const returnWeights of [true, false]) {
    await checkPoisoned(
      t,
      engine,
      { ...size, mask },
      (b, _, j) => mask.data[b * keys + j] === 0,
      returnWeights,
    );
    await checkPoisoned(t, engine, { ...size, bias }, (_b, _h, j) => j % 3 === 0, returnWeights);
    await checkPoisoned(t, engine, { ...size, keyLengths }, (b, _, j) => j >= keyLengths[b]!, returnWeights);
    await checkPoisoned(t, engine, { ...size, causal: 'top-left' }, (_b, _h, j) => j >= 1, returnWeights);
  }
});

testKernels(engineOf, 'NaN in a key or value reaches exactly the rows that attend it', async (t, engine) => {
  const mask = randomMask([8, 1, keys], 2, 0.5);
  const { inputs } = attentionCase({ heads: 8, kvHeads: 1, queries: 1, keys, headDim: 4, mask });
  const clean = await engine.attention(inputs);
  for (const operand of ['k', 'v'] as const) {
    for (const j of [0, 4095, 4096, 4199]) {
      const data = Float32Array.from(inputs[operand].data);
      data[j * 4 + 1] = NaN;
      const { output } = await engine.attention({ ...inputs, [operand]: { ...inputs[operand], data } });
      for (let row = 0; row < 8; row++) {
        const numbers = output.data.subarray(row * 4, row * 4 + 4);
        const before = clean.output.data.subarray(row * 4, row * 4 + 4);
        // A NaN key poisons the row's weights and so every number; a NaN value only its own column.
        const isReached = mask.data[row * keys + j] !== 0;
        if (!isReached) assertSameBytes(t, numbers, before, `key ${j}, row ${row}`);
        else if (operand === 'k') t.true(numbers.every(Number.isNaN), `key ${j}, row ${row}`);
        else t.deepEqual([...numbers].map(Number.isNaN), [false, true, false, false], `key ${j}, row ${row}`);
      }
    }
  }
});

testKernels(engineOf, 'NaN in a query reaches its own row alone', async (t, engine) => {
  const { inputs } = attentionCase({ heads: 8, kvHeads: 1, queries: 1, keys: 4097, headDim: 4 });
  const clean = await engine.attention(inputs);
  inputs.q.data[5 * 4 + 2] = NaN;
  const { output } = await engine.attention(inputs);
  t.true(output.data.subarray(20, 24).every(Number.isNaN));
  assertSameBytes(t, output.data.subarray(0, 20), clean.output.data.subarray(0, 20));
  assertSameBytes(t, output.data.subarray(24), clean.output.data.subarray(24));
});

testKernels(engineOf, 'an infinite score gives NaN in its row and in no other', async (t, engine) => {
  for (const j of [0, 4095, 4199]) {
    const { inputs, oracle } = attentionCase({ heads: 3, kvHeads: 1, queries: 1, keys, headDim: 1 });
    inputs.q.data.set([1, -1, 2]);
    inputs.k.data[j] = Infinity;
    const { output } = await engine.attention(inputs);
    const wanted = attendOracle(oracle).output;
    t.deepEqual([...output.data].map(Number.isNaN), [true, false, true], `key ${j}`);
    t.true(Math.abs(output.data[1]! - wanted[1]!) < 1e-5, `key ${j}`);
  }
});

testKernels(engineOf, 'a range of nothing but scores of -infinity weighs nothing', async (t, engine) => {
  for (const range of [0, 1]) {
    // By themselves, and by overflow of finite numbers.
    for (const [query, key] of [
      [1, -Infinity],
      [1e30, -1e30],
    ] as const) {
      const { inputs, oracle } = attentionCase({ queries: 1, keys, headDim: 1, valueDim: 4, scale: 1 });
      inputs.q.data.fill(query);
      inputs.k.data.forEach((value, j) => (inputs.k.data[j] = value / query));
      inputs.k.data.fill(key, range * 4096, Math.min(keys, (range + 1) * 4096));
      const { output, logSumExp } = await engine.attention({ ...inputs, returnLogSumExp: true });
      const wanted = attendOracle(oracle);
      assertClose(t, output.data, wanted.output, `range ${range} of ${key}`);
      assertClose(t, logSumExp!.data, wanted.logSumExp, `log-sum-exp, range ${range} of ${key}`);
    }
  }
});

testKernels(engineOf, 'a row whose scores all are -infinity is not empty: it is NaN', async (t, engine) => {
  for (const count of [5, 4097]) {
    const { inputs } = attentionCase({ heads: 2, kvHeads: 1, queries: 1, keys: count, headDim: 1 });
    inputs.q.data.set([1, 0.5]);
    inputs.k.data.fill(-Infinity);
    const { output } = await engine.attention(inputs);
    t.true(output.data.every(Number.isNaN), `${count} keys`);
  }
});

testKernels(
  engineOf,
  'logits of many thousands neither overflow nor turn NaN over ranges',
  async (t, engine) => {
    for (const spread of [10, 100]) {
      for (const scale of [1, -1]) {
        await checkLargeScores(t, engine, { queries: 1, keys, headDim: 16, spread, scale, seed: spread });
      }
    }
  },
);

testKernels(engineOf, 'denormal values survive ranges and their merging', async (t, engine) => {
  const { inputs } = attentionCase({ heads: 2, kvHeads: 1, queries: 1, keys, headDim: 2 });
  inputs.v.data.fill(2 ** -120);
  const { output } = await engine.attention(inputs);
  t.true(output.data.every((value) => Math.abs(value / 2 ** -120 - 1) <= 2e-6));
  inputs.v.data.fill(2 ** -130);
  const smaller = await engine.attention(inputs);
  t.true(smaller.output.data.every((value) => value > 0));
});
