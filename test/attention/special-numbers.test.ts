// Scales and logits at the edges, and what NaN and infinity may and may not reach.
import type { AttentionInputs } from '../../src/index.js';
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase, checkCase, checkLargeScores } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { checkPoisoned, poisons } from '../helpers/poisons.js';
import { randomMask } from '../helpers/random.js';

const engineOf = openEngines();

testKernels(engineOf, 'scales of any sign and size are applied', async (t, engine) => {
  for (const scale of [-1, -0.3, 1e-6, 0.5, 3]) {
    await checkCase(t, engine, attentionCase({ heads: 2, queries: 9, keys: 66, headDim: 5, scale }));
  }
});

testKernels(engineOf, 'a scale of zero weighs all keys alike', async (t, engine) => {
  const { weights } = await checkCase(t, engine, attentionCase({ queries: 3, keys: 70, scale: 0 }));
  t.true(weights!.data.every((weight) => Math.abs(weight - 1 / 70) < 1e-8));
});

testKernels(engineOf, 'logits of many thousands neither overflow nor turn NaN', async (t, engine) => {
  for (const spread of [10, 30, 100]) {
    await checkLargeScores(t, engine, { queries: 50, keys: 70, headDim: 16, spread, scale: 1, seed: spread });
    await checkLargeScores(t, engine, {
      queries: 50,
      keys: 70,
      headDim: 16,
      spread,
      scale: -1,
      seed: spread,
    });
  }
});

testKernels(engineOf, 'logits near the largest float stay finite', async (t, engine) => {
  const { inputs } = attentionCase({ queries: 2, keys: 66, headDim: 1, scale: 1 });
  inputs.q.data.fill(1e19);
  inputs.k.data.fill(-1e19);
  inputs.k.data[65] = 1e19;
  const { output } = await engine.attention(inputs);
  assertSameBytes(t, output.data, Float32Array.of(inputs.v.data[65]!, inputs.v.data[65]!));
});

testKernels(engineOf, 'very low scores after a tile of left-out keys are not lost', async (t, engine) => {
  const mask = { shape: [70], data: Uint8Array.from({ length: 70 }, (_, j) => (j < 64 ? 0 : 1)) };
  const { inputs, oracle } = attentionCase({ queries: 3, keys: 70, headDim: 1, scale: 1, mask });
  inputs.q.data.fill(1);
  inputs.k.data.forEach((_, j) => (inputs.k.data[j] = j % 2 === 0 ? -1000 : -1001));
  const { output } = await engine.attention(inputs);
  // These scores are exact; a kernel that scaled them to another base before subtracting the maximum would be off by 1e-6.
  const wanted = attendOracle(oracle).output;
  output.data.forEach((value, n) => {
    t.true(Math.abs(value - wanted[n]!) <= 2 ** -22, `${value} for ${wanted[n]}`);
  });
});

testKernels(engineOf, 'denormal values are kept', async (t, engine) => {
  const chosen = attentionCase({ queries: 3, keys: 4, headDim: 2 });
  chosen.inputs.v.data.fill(2 ** -140);
  const { output } = await engine.attention(chosen.inputs);
  t.true(output.data.every((value) => Math.abs(value - 2 ** -140) <= 2 ** -148));
});

const size = { batch: 2, heads: 4, kvHeads: 2, headDim: 5, valueDim: 9 };

testKernels(engineOf, 'NaN and infinity behind a mask change no byte', async (t, engine) => {
  for (const keys of [7, 66, 130]) {
    const mask = randomMask([2, 1, 1, keys], keys);
    await checkPoisoned(
      t,
      engine,
      { ...size, queries: 5, keys, mask },
      (b, _, j) => mask.data[b * keys + j] === 0,
    );
  }
});

testKernels(engineOf, 'NaN and infinity behind a bias of -infinity change no byte', async (t, engine) => {
  const bias = {
    shape: [1, 1, 1, 70],
    data: Float32Array.from({ length: 70 }, (_, j) => (j % 3 === 0 ? -Infinity : 0.25)),
  };
  await checkPoisoned(t, engine, { ...size, queries: 5, keys: 70, bias }, (_b, _h, j) => j % 3 === 0);
});

testKernels(engineOf, 'NaN and infinity after the key lengths change no byte', async (t, engine) => {
  for (const keys of [7, 64, 70]) {
    const keyLengths = [3, keys - 2];
    await checkPoisoned(
      t,
      engine,
      { ...size, queries: 5, keys, keyLengths },
      (b, _, j) => j >= keyLengths[b]!,
    );
  }
});

testKernels(engineOf, 'NaN and infinity beyond the causal diagonal change no byte', async (t, engine) => {
  await checkPoisoned(
    t,
    engine,
    { ...size, queries: 60, keys: 90, causal: 'top-left' },
    (_b, _h, j) => j >= 60,
  );
});

testKernels(
  engineOf,
  'NaN and infinity in a key change only the rows on its side of the diagonal',
  async (t, engine) => {
    const options = { heads: 2, queries: 70, headDim: 4, causal: 'top-left' } as const;
    const clean = await engine.attention(attentionCase(options).inputs);
    for (const poison of poisons) {
      for (const j of [0, 47, 48, 63, 64, 69]) {
        const { inputs } = attentionCase(options);
        inputs.k.data.fill(poison, j * 4, (j + 1) * 4);
        inputs.v.data.fill(poison, j * 4, (j + 1) * 4);
        const { output } = await engine.attention(inputs);
        // Head 1 and the rows of head 0 in front of the key.
        assertSameBytes(t, output.data.subarray(0, j * 4), clean.output.data.subarray(0, j * 4), `key ${j}`);
        assertSameBytes(t, output.data.subarray(70 * 4), clean.output.data.subarray(70 * 4), `key ${j}`);
      }
    }
  },
);

testKernels(
  engineOf,
  'NaN in an attended key or value reaches exactly the rows that attend it',
  async (t, engine) => {
    for (const operand of ['k', 'v'] as const) {
      for (const j of [0, 5, 65]) {
        const mask = randomMask([50, 66], j, 0.5);
        const options = { heads: 2, kvHeads: 1, queries: 50, keys: 66, headDim: 4, mask };
        const { inputs } = attentionCase(options);
        const clean = await engine.attention(inputs);
        inputs[operand].data[j * 4 + 1] = NaN;
        const { output } = await engine.attention(inputs);
        for (let row = 0; row < 100; row++) {
          const isReached = mask.data[(row % 50) * 66 + j] !== 0;
          const numbers = output.data.subarray(row * 4, row * 4 + 4);
          // A NaN key poisons the row's weights and so every number; a NaN value only its own column.
          if (!isReached)
            assertSameBytes(t, numbers, clean.output.data.subarray(row * 4, row * 4 + 4), `row ${row}`);
          else if (operand === 'k') t.true(numbers.every(Number.isNaN), `row ${row}`);
          else t.deepEqual([...numbers].map(Number.isNaN), [false, true, false, false], `row ${row}`);
        }
      }
    }
  },
);

testKernels(engineOf, 'NaN in a query reaches its own row alone', async (t, engine) => {
  const options = { heads: 3, kvHeads: 1, queries: 50, keys: 66, headDim: 4 };
  const { inputs } = attentionCase(options);
  const clean = await engine.attention(inputs);
  inputs.q.data[(50 + 17) * 4 + 2] = NaN;
  const { output } = await engine.attention(inputs);
  const start = (50 + 17) * 4;
  t.true(output.data.subarray(start, start + 4).every(Number.isNaN));
  assertSameBytes(t, output.data.subarray(0, start), clean.output.data.subarray(0, start));
  assertSameBytes(t, output.data.subarray(start + 4), clean.output.data.subarray(start + 4));
});

testKernels(engineOf, 'an infinite score gives NaN in its row and in no other', async (t, engine) => {
  const { inputs, oracle } = attentionCase({ queries: 3, keys: 5, headDim: 1 });
  inputs.q.data.set([1, -1, 2]);
  inputs.k.data[2] = Infinity;
  const { output } = await engine.attention(inputs);
  const wanted = attendOracle(oracle).output;
  t.deepEqual([...output.data].map(Number.isNaN), [true, false, true]);
  t.deepEqual([...wanted].map(Number.isNaN), [true, false, true]);
});

testKernels(
  engineOf,
  'a key of which only some queries see NaN leaves the inputs as they were',
  async (t, engine) => {
    const { inputs } = attentionCase({ queries: 4, causal: 'top-left' });
    inputs.k.data[31] = NaN;
    const before = copyOf(inputs);
    await engine.attention(inputs);
    for (const name of ['q', 'k', 'v'] as const) {
      assertSameBytes(t, inputs[name].data as Float32Array, before[name], name);
    }
  },
);

function copyOf({ q, k, v }: AttentionInputs): Record<'q' | 'k' | 'v', Float32Array> {
  return { q: Float32Array.from(q.data), k: Float32Array.from(k.data), v: Float32Array.from(v.data) };
}
