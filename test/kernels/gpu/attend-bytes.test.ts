// The bytes of the GPU's attention on a software device: special numbers stay where they belong, sums don't overflow, and
// a row's bytes depend on nothing but the row.
import type { OracleInputs } from '../../oracle/oracle.js';
import { assertSameBytes } from '../../helpers/assertions.js';
import { attentionCase } from '../../helpers/attention-case.js';
import { checkAttention } from '../../helpers/gpu-attention-checks.js';
import { runGpuAttention, type GpuAttentionOptions } from '../../helpers/gpu-attention.js';
import { gpuRowStatistics, inspectGpu } from '../../helpers/gpu-inspection.js';
import { randomMask } from '../../helpers/random.js';
import { benchTest, type ShaderBench } from '../../helpers/shader-bench.js';
import { PrecisionPool } from '../../helpers/tolerance.js';

async function outputOf(
  bench: ShaderBench,
  inputs: OracleInputs,
  given: GpuAttentionOptions = {},
): Promise<Float32Array> {
  return (await runGpuAttention(bench, inputs, given)).output;
}

function changed(numbers: ArrayLike<number>, changes: Readonly<Record<number, number>>): Float32Array {
  return Float32Array.from(numbers, (value, n) => changes[n] ?? value);
}

const shape = { queries: 20, keys: 70, headDim: 8, heads: 2 };

for (const special of [NaN, Infinity, -Infinity]) {
  benchTest(`${special} in a key or value left out changes nothing`, async (t, bench) => {
    const { oracle } = attentionCase({ ...shape, mask: randomMask([20, 70], 3, 0.4) });
    const plain = await outputOf(bench, oracle);
    const { mask, dims } = oracle;
    for (const operand of ['k', 'v'] as const) {
      for (const j of [0, 33, 69]) {
        const touched = await outputOf(bench, {
          ...oracle,
          [operand]: changed(oracle[operand], { [j * 8 + 3]: special }),
        });
        for (let i = 0; i < dims.queries; i++) {
          const row = (numbers: Float32Array) => numbers.slice(i * 8, i * 8 + 8);
          if (mask!(0, 0, i, j)) t.notDeepEqual(row(touched), row(plain), `${operand} ${j}, query ${i}`);
          else t.deepEqual(row(touched), row(plain), `${operand} ${j}, query ${i}`);
        }
        t.deepEqual(touched.slice(160), plain.slice(160), 'the other head');
      }
    }
  });
}

benchTest('NaN in a query, and scores of +Infinity, make NaN of their rows alone', async (t, bench) => {
  const { oracle } = attentionCase(shape);
  const plain = await outputOf(bench, oracle);
  const isPositive = oracle.k[5 * 8 + 2]! > 0;
  for (const special of [NaN, isPositive ? Infinity : -Infinity]) {
    const touched = await outputOf(bench, { ...oracle, q: changed(oracle.q, { [7 * 8 + 2]: special }) });
    t.true(touched.slice(56, 64).every(Number.isNaN));
    t.deepEqual([...touched.slice(0, 56), ...touched.slice(64)], [...plain.slice(0, 56), ...plain.slice(64)]);
  }
});

benchTest('rows whose scores are all -Infinity are NaN, and their sums 0', async (t, bench) => {
  const { oracle } = attentionCase({ queries: 2, keys: 5, headDim: 8 });
  const k = Float32Array.from({ length: 40 }, (_, n) => (n % 8 === 0 ? -Infinity : 0));
  const q = Float32Array.from({ length: 16 }, (_, n) => (n === 0 ? 1 : 0));
  const { output, sums, maxima } = await runGpuAttention(bench, { ...oracle, q, k });
  t.true(output.slice(0, 8).every(Number.isNaN));
  t.deepEqual([sums[0], maxima[0]], [0, -Infinity]);
});

benchTest('infinite values attended come out infinite where they stand', async (t, bench) => {
  const { oracle } = attentionCase({ queries: 3, keys: 40, headDim: 8 });
  const output = await outputOf(bench, { ...oracle, v: changed(oracle.v, { [39 * 8 + 5]: Infinity }) });
  for (let n = 0; n < 24; n++) t.is(output[n] === Infinity, n % 8 === 5);
});

benchTest('empty rows are zeros, whatever lies in the keys and values', async (t, bench) => {
  const { oracle } = attentionCase({ ...shape, causal: 'top-left' });
  const inputs = { ...oracle, causalOffset: () => -10, v: changed(oracle.v, { 3: NaN }) };
  const { output, sums, maxima } = await runGpuAttention(bench, inputs);
  t.true(output.slice(0, 80).every((value) => Object.is(value, 0)));
  t.true(output.slice(80, 88).some(Number.isNaN));
  t.deepEqual([sums[0], maxima[0]], [0, -Infinity]);
});

benchTest('sums of the largest values do not overflow', async (t, bench) => {
  const pool = new PrecisionPool();
  for (const keys of [2, 70]) {
    const { oracle } = attentionCase({ queries: 4, keys, headDim: 8, valueDim: 12 });
    const v = new Float32Array(keys * 12).fill(3e38);
    for (const q of [new Float32Array(32), oracle.q])
      await checkAttention(t, bench, { ...oracle, q, v }, {}, pool);
    const [first] = await outputOf(bench, { ...oracle, q: new Float32Array(32), v });
    if (keys === 2) t.is(first, Math.fround(3e38));
  }
  t.is(pool.findProblem(), undefined);
});

benchTest(
  'a large value beside others changes no byte of rows that leave it out, or of its own other dims',
  async (t, bench) => {
    const { oracle } = attentionCase({ ...shape, mask: randomMask([20, 70], 3, 0.4) });
    const plain = await outputOf(bench, oracle);
    const touched = await outputOf(bench, { ...oracle, v: changed(oracle.v, { [33 * 8]: 1e37 }) });
    for (let n = 0; n < plain.length; n++) if (n % 8 !== 0) t.is(touched[n], plain[n]);
    for (let i = 0; i < 20; i++) t.is(touched[i * 8] === plain[i * 8], !oracle.mask!(0, 0, i, 33));
  },
);

for (const causal of ['top-left', 'bottom-right'] as const) {
  benchTest(`a row alone has the bytes that it has among others (${causal})`, async (t, bench) => {
    const { oracle } = attentionCase({ queries: 40, keys: 70, headDim: 8, causal });
    const all = await outputOf(bench, oracle);
    for (const i of [0, 1, 30, 31, 32, 39]) {
      const alone = await outputOf(bench, {
        ...oracle,
        dims: { ...oracle.dims, queries: 1 },
        q: Float32Array.from(oracle.q).slice(i * 8, i * 8 + 8),
        causalOffset: () => i + oracle.causalOffset!(0),
      });
      t.deepEqual(alone, all.slice(i * 8, i * 8 + 8), `query ${i}`);
    }
  });
}

benchTest(
  'a sequence has the same bytes alone and in a batch, a head alone and in a group',
  async (t, bench) => {
    const { oracle } = attentionCase({ batch: 3, heads: 6, kvHeads: 2, queries: 11, keys: 40, headDim: 8 });
    const all = await outputOf(bench, oracle);
    const slice = (x: ArrayLike<number>, n: number, length: number) =>
      Array.from(x).slice(n * length, (n + 1) * length);
    for (const b of [0, 2]) {
      for (const h of [0, 4]) {
        const alone = await outputOf(bench, {
          dims: { ...oracle.dims, batch: 1, heads: 1, kvHeads: 1 },
          q: slice(oracle.q, b * 6 + h, 88),
          k: slice(oracle.k, b * 2 + Math.floor(h / 3), 320),
          v: slice(oracle.v, b * 2 + Math.floor(h / 3), 320),
        });
        t.deepEqual([...alone], slice(all, b * 6 + h, 88));
      }
    }
  },
);

benchTest('keys cut into ranges over several dispatches give the same bytes', async (t, bench) => {
  const { oracle } = attentionCase({ ...shape, causal: 'bottom-right', keyLengths: [66] });
  const extra = { count: 1, k: new Float32Array(16).fill(0.1), v: new Float32Array(16).fill(1e37) };
  for (const inputs of [oracle, { ...oracle, extra }, { ...oracle, v: changed(oracle.v, { 5: 1e38 }) }]) {
    const whole = await runGpuAttention(bench, inputs);
    for (const cuts of [[32], [64], [32, 64], [96]]) {
      t.deepEqual(await runGpuAttention(bench, inputs, { cuts }), whole, String(cuts));
    }
  }
});

benchTest('dead heads are left alone, and living heads beside them have the same bytes', async (t, bench) => {
  const { oracle } = attentionCase({ heads: 6, kvHeads: 2, queries: 11, keys: 40, headDim: 8 });
  const all = await outputOf(bench, oracle);
  const deadHeads = [1, 3, 4, 5];
  const some = await outputOf(bench, oracle, { deadHeads });
  for (let h = 0; h < 6; h++) {
    const [here, there] = [some, all].map((x) => x.slice(h * 88, h * 88 + 88));
    if (deadHeads.includes(h)) t.true(here!.every((value) => value === 0));
    else t.deepEqual(here, there);
  }
});

benchTest('the text with all rules has the bytes of the plain one where none applies', async (t, bench) => {
  const { oracle } = attentionCase({ ...shape, causal: 'bottom-right', keyLengths: [66], scale: -0.7 });
  // Products of zeros are scores of -0 here.
  const inputs = { ...oracle, q: Float32Array.from(oracle.q, (value, n) => (n < 80 ? 0 : value)) };
  const [plain, rich] = [{ isRich: false }, { isRich: true }];
  assertSameBytes(t, await outputOf(bench, inputs, rich), await outputOf(bench, inputs, plain));
  for (const writes of ['scores', 'weights'] as const) {
    const columns = await inspectGpu(bench, inputs, { writes }, plain);
    if (writes === 'scores') t.true(columns.some((score) => Object.is(score, -0)));
    assertSameBytes(t, await inspectGpu(bench, inputs, { writes }, rich), columns);
  }
  assertSameBytes(
    t,
    await gpuRowStatistics(bench, inputs, rich),
    await gpuRowStatistics(bench, inputs, plain),
  );
});
