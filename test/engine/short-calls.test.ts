// Short calls, kept and gathered: their bytes are those of the same call alone. Where keys are not the
// queries themselves, a call is computed alone, always.
import test, { type ExecutionContext } from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import type { Tensor, TensorLike } from '../../src/core/tensor/tensor.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import { normalTensor } from '../helpers/random.js';

const [modelDim, heads] = [32, 4];
const weights = createXavierWeights({ modelDim, heads });

const optionsOf: readonly (readonly [string, AttentionOptions])[] = [
  ['no options', {}],
  ['causal', { causal: true }],
  ['a window', { window: { left: 3, right: 1 } }],
  ['softcap, sinks and head factors', { softcap: 2, sinks: [0, 1, -1, 2], headScale: [1, 0, 2, -1] }],
  ['rope', { rope: { base: 10_000 }, causal: 'bottom-right' }],
  ['ALiBi', { alibiSlopes: Float32Array.of(0.5, 0.25, 0.125, 0.0625) }],
];

const startLayer = (engine: Engine): Promise<MultiHeadAttention> =>
  engine.multiHeadAttention({ heads, weights });

async function alone(layer: MultiHeadAttention, x: TensorLike, options: AttentionOptions) {
  const { shape } = x;
  return (await layer.forward({ query: x, key: { shape, data: Float32Array.from(x.data) } }, options)).output
    .data;
}

function inputsOf(count: number, seed: number): Tensor[] {
  return Array.from({ length: count }, (_, n) => normalTensor([1 + ((7 * n) % 40), modelDim], seed + n));
}

for (const kernel of kernels) {
  test(`${kernel}: a call that is kept computes the numbers of each call, of any shape and storage`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 2 });
    const layer = await startLayer(engine);
    for (const [name, options] of optionsOf) {
      for (const shape of [
        [9, modelDim],
        [1, modelDim],
        [2, 5, modelDim],
      ]) {
        for (let seed = 0; seed < 4; seed++) {
          const x = normalTensor(shape, seed);
          const wanted = await alone(layer, x, options);
          const ours = Float32Array.from(x.data);
          const out = engine.tensor(shape);
          for (const [given, more] of [
            [x, {}],
            [{ shape, data: ours }, {}],
            [x, { out }],
          ] as const) {
            const { output } = await layer.forward(given, { ...options, ...more });
            t.deepEqual(output.shape, shape);
            assertSameBytes(t, output.data, wanted, `${name}, ${shape.join()}, call ${seed}`);
          }
          assertSameBytes(t, out.data, wanted, `${name}, ${shape.join()}, into call ${seed}'s own`);
        }
      }
    }
  });

  test(`${kernel}: calls at once are gathered, and have the bytes of each alone`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 2 });
    const layer = await startLayer(engine);
    for (const [name, options] of optionsOf) {
      const inputs = inputsOf(48, 100);
      const wanted: Float32Array[] = [];
      for (const x of inputs) wanted.push(await alone(layer, x, options));
      const outs: AttentionOptions[] = inputs.map(({ shape }, n) =>
        n % 2 === 0 ? { out: engine.tensor(shape) } : {},
      );
      const results = await Promise.all(inputs.map((x, n) => layer.forward(x, { ...options, ...outs[n] })));
      for (const [n, { output }] of results.entries()) {
        assertSameBytes(t, output.data, wanted[n]!, `${name}, call ${n}`);
        assertSameBytes(t, (outs[n]!.out ?? output).data, wanted[n]!, `${name}, call ${n}`);
      }
    }
    const { gathered } = engine.stats();
    t.true(gathered.calls > 100, `${gathered.calls} gathered`);
    t.true(gathered.passes < gathered.calls / 3, `in ${gathered.passes} passes`);
  });
}

async function countGathered(
  t: ExecutionContext,
  options: Parameters<typeof createEngine>[0],
  calls: number,
) {
  await using engine = await createEngine({ kernel: 'wasm', threads: 1, ...options });
  const layer = await startLayer(engine);
  const results = await Promise.all(inputsOf(calls, 1).map((x) => layer.forward(x)));
  t.is(results.length, calls);
  return engine.stats().gathered;
}

test('a call that finds the workers idle is never gathered', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await startLayer(engine);
  for (const x of inputsOf(30, 1)) await layer.forward(x);
  t.deepEqual(engine.stats().gathered, { calls: 0, passes: 0 });
});

test('`batching` says how many tokens are gathered, and whether any', async (t) => {
  t.deepEqual(await countGathered(t, { batching: { maxTokens: 0 } }, 40), { calls: 0, passes: 0 });
  const { passes, calls } = await countGathered(t, { batching: { maxTokens: 160 } }, 40);
  t.true(calls >= 39 && passes >= 5, `${calls} in ${passes}`);
});

test('calls of different options, priorities or layers are not gathered with each other', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const [one, other] = [await startLayer(engine), await startLayer(engine)];
  const x = normalTensor([5, modelDim], 1);
  const [plain, causal] = [await alone(one, x, {}), await alone(one, x, { causal: true })];
  const calls = Array.from({ length: 60 }, (_, n) => {
    const layer = n % 2 === 0 ? one : other;
    const options = { causal: n % 3 === 0, priority: n % 5 === 0 ? 'batch' : 'interactive' } as const;
    return layer.forward(x, options);
  });
  for (const [n, { output }] of (await Promise.all(calls)).entries()) {
    assertSameBytes(t, output.data, n % 3 === 0 ? causal : plain, `call ${n}`);
  }
});

test('a gathered call that is cancelled rejects at once, and the others get their results', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const inputs = inputsOf(40, 5);
  const wanted: Float32Array[] = [];
  for (const x of inputs) wanted.push(await alone(layer, x, {}));
  const busy = layer.forward(normalTensor([1500, modelDim], 1));
  const controllers = inputs.map(() => new AbortController());
  const calls = inputs.map((x, n) =>
    layer.forward(x, { signal: controllers[n]!.signal }).then(
      ({ output }) => output.data,
      (reason: unknown) => reason,
    ),
  );
  for (const [n, controller] of controllers.entries()) {
    if (n % 3 === 1) controller.abort(n);
    if (n % 3 === 2)
      setTimeout(() => {
        controller.abort(n);
      }, n);
  }
  for (const [n, call] of calls.entries()) {
    const result = await call;
    if (result instanceof Float32Array) assertSameBytes(t, result, wanted[n]!, `call ${n}`);
    else t.is(result, n);
    if (n % 3 === 0) t.true(result instanceof Float32Array);
    if (n % 3 === 1) t.is(result, n);
  }
  await busy;
});

test('memory of kept calls goes back where others need it, and with their layer', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 1, memoryLimitBytes: 600_000 });
  const layer = await startLayer(engine);
  const before = engine.stats().memoryBytes;
  // More shapes than there is room for.
  for (let tokens = 1; tokens < 120; tokens++) await layer.forward(normalTensor([tokens, modelDim], tokens));
  t.is(engine.stats().memoryBytes, before);
  await layer.forward(normalTensor([700, modelDim], 1));
  layer.dispose();
  t.is(engine.stats().memoryBytes, 0);
});

for (const kernel of kernels) {
  test(`${kernel}: no call gets the numbers of the one before, however its workers wake`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 4 });
    const layer = await startLayer(engine);
    const inputs = [1, 2].map((seed) => normalTensor([24, modelDim], seed));
    const wanted: Float32Array[] = [];
    for (const x of inputs) wanted.push(await alone(layer, x, {}));
    let wrong = 0;
    for (let n = 0; n < 3000; n++) {
      const { output } = await layer.forward(inputs[n % 2]!);
      if (output.data.some((value, at) => value !== wanted[n % 2]![at])) wrong++;
    }
    t.is(wrong, 0);
  });
}

test('numbers a head come in any list', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const x = normalTensor([5, modelDim], 1);
  const wanted = await alone(layer, x, { headScale: [1, 0, 2, 1] });
  for (const list of [Uint8Array, Int16Array, Float32Array, Float64Array]) {
    const { output } = await layer.forward(x, { headScale: list.of(1, 0, 2, 1) });
    assertSameBytes(t, output.data, wanted, list.name);
  }
});

test.serial(
  'calls that are cancelled at once after short ones leave no rejection that nobody handles',
  async (t) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    t.teardown(() => process.off('unhandledRejection', note));
    await using engine = await createEngine({ threads: 2 });
    const layer = await startLayer(engine);
    const x = normalTensor([24, modelDim], 1);
    for (let n = 0; n < 300; n++) {
      for (let short = 0; short < 3; short++) await layer.forward(x);
      const controller = new AbortController();
      const call = layer.forward(x, { signal: controller.signal });
      controller.abort('enough');
      // It may be over already.
      await call.catch((reason: unknown) => {
        t.is(reason, 'enough');
      });
    }
    await new Promise(setImmediate);
    t.deepEqual(unhandled, []);
  },
);
