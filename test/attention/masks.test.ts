// Who attends whom: causal diagonals, lengths, masks and biases, alone and together.
import { attentionCase, checkCase } from '../helpers/attention-case.js';
import { assertRefused } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { normalTensor, randomMask } from '../helpers/random.js';

const engineOf = openEngines();
const lowest = -3.4e38;

const size = { batch: 2, heads: 4, kvHeads: 2, queries: 6, keys: 9, headDim: 5 };
// Everything that broadcasts from the right to [2, 4, 6, 9].
const broadcastShapes = [
  [],
  [1],
  [9],
  [1, 1],
  [1, 9],
  [6, 1],
  [6, 9],
  [1, 6, 9],
  [4, 1, 1],
  [4, 1, 9],
  [4, 6, 9],
  [1, 1, 1, 1],
  [1, 1, 6, 9],
  [2, 1, 1, 9],
  [2, 1, 6, 1],
  [2, 4, 1, 1],
  [1, 4, 6, 9],
  [2, 1, 6, 9],
  [2, 4, 6, 9],
];

testKernels(engineOf, 'a mask of every shape that broadcasts is read where it says', async (t, engine) => {
  for (const [seed, shape] of broadcastShapes.entries()) {
    await checkCase(t, engine, attentionCase({ ...size, seed, mask: randomMask(shape, seed) }));
  }
});

testKernels(engineOf, 'a bias of every shape that broadcasts is added where it says', async (t, engine) => {
  for (const [seed, shape] of broadcastShapes.entries()) {
    await checkCase(t, engine, attentionCase({ ...size, seed, bias: normalTensor(shape, seed, 2) }));
  }
});

testKernels(
  engineOf,
  'a mask may be a list of booleans, of 0 and 1, or bytes other than 1',
  async (t, engine) => {
    const { inputs } = attentionCase({ queries: 2, keys: 3 });
    const bytes = await engine.attention({ ...inputs, mask: { shape: [3], data: Uint8Array.of(1, 0, 1) } });
    const booleans = await engine.attention({ ...inputs, mask: { shape: [3], data: [true, false, true] } });
    const others = await engine.attention({
      ...inputs,
      mask: { shape: [3], data: Uint8Array.of(255, 0, 2) },
    });
    t.deepEqual(booleans.output.data, bytes.output.data);
    const numbers = await engine.attention({ ...inputs, mask: { shape: [3], data: [1, 0, 1] } });
    t.deepEqual(numbers.output.data, bytes.output.data);
    const misfit = { shape: [3], data: [1, 0, 2] };
    await assertRefused(t, () => engine.attention({ ...inputs, mask: misfit }), {
      code: 'INVALID_SHAPE',
      what: 'a boolean, 0 or 1 for `mask.data[2]`, got `2`',
    });
    t.deepEqual(others.output.data, bytes.output.data);
  },
);

testKernels(engineOf, 'causal: true is the diagonal of as many queries as keys', async (t, engine) => {
  const { inputs } = attentionCase({ queries: 7 });
  const wanted = await engine.attention({ ...inputs, causal: 'top-left' });
  const result = await engine.attention({ ...inputs, causal: true });
  const none = await engine.attention({ ...inputs, causal: false });
  t.deepEqual(result.output.data, wanted.output.data);
  t.notDeepEqual(none.output.data, wanted.output.data);
});

testKernels(engineOf, 'causal: true asks which corner where queries and keys differ', async (t, engine) => {
  const { inputs } = attentionCase({ queries: 3, keys: 7 });
  await assertRefused(t, () => engine.attention({ ...inputs, causal: true }), {
    code: 'INVALID_OPTION',
    what: ['causal', "'top-left'", "'bottom-right'"],
  });
});

testKernels(engineOf, 'rows above the top of a bottom-right diagonal attend nothing', async (t, engine) => {
  const { output, weights, logSumExp } = await checkCase(
    t,
    engine,
    attentionCase({ queries: 70, keys: 4, causal: 'bottom-right' }),
  );
  t.true(output.data.subarray(0, 66 * 8).every((value) => Object.is(value, 0)));
  t.true(weights!.data.subarray(0, 66 * 4).every((value) => Object.is(value, 0)));
  t.true(logSumExp!.data.subarray(0, 66).every((value) => value === -Infinity));
});

testKernels(engineOf, 'key lengths cut the keys of each entry, down to none', async (t, engine) => {
  for (const keys of [5, 64, 70]) {
    const keyLengths = [0, 1, keys - 1, keys];
    const shape = { batch: 4, heads: 2, queries: 5, keys, keyLengths, headDim: 7 };
    await checkCase(t, engine, attentionCase(shape));
    await checkCase(t, engine, attentionCase({ ...shape, causal: 'top-left' }));
    await checkCase(t, engine, attentionCase({ ...shape, causal: 'bottom-right' }));
  }
});

testKernels(
  engineOf,
  'rows that a mask empties give zeros and a log-sum-exp of -infinity',
  async (t, engine) => {
    const mask = randomMask([2, 1, 50, 70], 3, 0.5);
    mask.data.fill(0, 0, 5 * 70);
    mask.data.fill(0, 99 * 70, 100 * 70);
    const result = await checkCase(
      t,
      engine,
      attentionCase({ batch: 2, heads: 2, queries: 50, keys: 70, mask }),
    );
    t.true(result.output.data.subarray(0, 5 * 8).every((value) => Object.is(value, 0)));
    t.is(result.logSumExp!.data.at(-1), -Infinity);

    const nothing = { shape: [1], data: Uint8Array.of(0) };
    const empty = await checkCase(t, engine, attentionCase({ queries: 50, keys: 70, mask: nothing }));
    t.true(empty.output.data.every((value) => Object.is(value, 0)));
    t.true(empty.weights!.data.every((value) => Object.is(value, 0)));
    t.true(empty.logSumExp!.data.every((value) => value === -Infinity));
  },
);

testKernels(engineOf, 'a bias of -infinity leaves keys out and can empty a row', async (t, engine) => {
  const bias = normalTensor([6, 9], 5);
  for (let n = 0; n < bias.data.length; n += 2) bias.data[n] = -Infinity;
  bias.data.fill(-Infinity, 9, 18);
  const { logSumExp } = await checkCase(t, engine, attentionCase({ ...size, bias }));
  t.is(logSumExp!.data[1], -Infinity);
});

testKernels(
  engineOf,
  'a row whose biases are all the lowest float is not empty: its weights are equal',
  async (t, engine) => {
    for (const keys of [4, 64, 67]) {
      const bias = { shape: [1], data: Float32Array.of(lowest) };
      const { inputs } = attentionCase({ queries: 3, keys, bias });
      const { weights, logSumExp } = await engine.attention({
        ...inputs,
        returnWeights: true,
        returnLogSumExp: true,
      });
      t.true(
        weights!.data.every((weight) => Math.abs(weight - 1 / keys) < 1e-7),
        `${keys} keys`,
      );
      t.true(
        logSumExp!.data.every((value) => value < -2e38),
        `${keys} keys`,
      );
    }
  },
);

testKernels(
  engineOf,
  'the lowest float as a bias leaves nothing of a key beside finite ones',
  async (t, engine) => {
    const bias = normalTensor([6, 9], 6);
    for (let n = 0; n < bias.data.length; n += 3) bias.data[n] = lowest;
    await checkCase(t, engine, attentionCase({ ...size, bias }));
  },
);

testKernels(engineOf, 'mask, bias, lengths and the diagonal apply together', async (t, engine) => {
  for (let seed = 0; seed < 12; seed++) {
    const shape = { batch: 2, heads: 4, kvHeads: 2, queries: 20 + 3 * seed, keys: 30 + 5 * seed, headDim: 4 };
    const bias = normalTensor([1, 4, shape.queries, shape.keys], seed);
    for (let n = seed; n < bias.data.length; n += 7) bias.data[n] = -Infinity;
    const mask = randomMask([2, 1, shape.queries, shape.keys], seed, 0.8);
    const keyLengths = [shape.keys - seed, shape.keys];
    const causal = seed % 2 === 0 ? 'top-left' : 'bottom-right';
    await checkCase(t, engine, attentionCase({ ...shape, seed, bias, mask, keyLengths, causal }));
  }
});
