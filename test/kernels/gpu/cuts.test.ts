// Operands that are larger than a binding of the device: cut, they give the bytes that they give whole; what can't be cut
// is refused by name.
import test, { type ExecutionContext } from 'ava';
import type { AttentionOptions } from '../../../src/attention/options.js';
import type { AttentionResult } from '../../../src/attention/result.js';
import { startEngine, type Engine } from '../../../src/engine/engine.js';
import type { Scratch } from '../../../workers/kernels/gpu/dispatch.js';
import { BindingLimit, largest } from '../../../workers/kernels/gpu/programs/binding-limit.js';
import { readProgram } from '../../../workers/kernels/gpu/programs/measure.js';
import { findSoftwareProblem } from '../../../workers/kernels/gpu/software-device.js';
import type { Combination } from '../../helpers/any-combination.js';
import { assertRefused, assertSameBytes } from '../../helpers/assertions.js';
import { combinationCase } from '../../helpers/combination-case.js';
import { layerWeights, type LayerWidths } from '../../helpers/layer-case.js';
import { normalTensor } from '../../helpers/random.js';
import { gpuTest, softwareGpu } from '../../helpers/software-gpu.js';

/** Bytes of a binding: those of a device, and such that heads are cut into blocks of queries, or of keys as well. */
const limits = { whole: 2 ** 27, ofQueries: 4096, ofKeys: 16_384 } as const;
type Limit = keyof typeof limits;

const engines = new Map<Limit, Engine>();

if (findSoftwareProblem() === undefined) {
  // Threads copy the environment of who starts them.
  Object.assign(process.env, softwareGpu);
  test.before('opens a software device for each limit', async () => {
    for (const limit of Object.keys(limits) as Limit[]) {
      process.env['HEADPOOL_TEST_BINDING_BYTES'] = String(limits[limit]);
      const worker = new URL('../../engine/workers/small-bindings.js', import.meta.url);
      engines.set(limit, await startEngine({ device: 'gpu' }, worker));
    }
  });
  test.after.always('closes them', async () => {
    for (const engine of engines.values()) await engine.close();
  });
}

/** Many queries of small heads. */
const manyQueries: Combination = {
  layout: 'rank 4',
  kvHeads: 2,
  group: 2,
  headDim: 8,
  valueDim: 7,
  entries: [
    { queries: 40, keys: 50 },
    { queries: 40, keys: 50 },
  ],
  seed: 1,
};
/** Keys of a head that one binding of 16 KiB doesn't hold. */
const manyKeys: Combination = {
  ...manyQueries,
  headDim: 36,
  valueDim: 20,
  entries: [{ queries: 70, keys: 140 }],
};

const everyAxis = [true, true, true, true];
const ofKeys = [false, false, false, true];
const ragged = {
  layout: 'ragged',
  entries: [
    { queries: 33, keys: 45 },
    { queries: 1, keys: 0 },
    { queries: 0, keys: 9 },
    { queries: 20, keys: 57 },
  ],
} as const;

const cases: Readonly<Record<string, Partial<Combination>>> = {
  'no rule': {},
  'a mask': { mask: everyAxis },
  'a mask of keys': { mask: ofKeys, keyLengths: true },
  'a bias': { bias: everyAxis },
  'ALiBi and a window': { alibiSlopes: true, window: { left: 9, right: 20 }, alignment: 'bottom-right' },
  'causal order': { causal: 'bottom-right' },
  'sinks, a softcap and factors of heads': { sinks: true, softcap: 2, headScale: true },
  'rotary positions': { rope: { base: 10_000, dims: 6 }, alignment: 'bottom-right' },
  'rows side by side': { layout: 'rank 3', causal: 'top-left' },
  'a ragged batch': { ...ragged, causal: 'bottom-right' },
  'log-sum-exps': { returnLogSumExp: true, mask: everyAxis, sinks: true },
  weights: { returnWeights: true, keyLengths: true, mask: everyAxis, returnLogSumExp: true },
  'scores after their bias': { returnScores: 'biased', bias: everyAxis, keyLengths: true },
  'weights and scores in a window': {
    returnWeights: true,
    returnScores: 'biased',
    causal: 'bottom-right',
    window: { left: 40 },
    alibiSlopes: true,
  },
  'scores before it': { returnScores: 'scaled', bias: everyAxis, causal: 'top-left' },
};

for (const [limit, shape] of [
  ['ofQueries', manyQueries],
  ['ofKeys', manyKeys],
] as const) {
  for (const [title, options] of Object.entries(cases)) {
    gpuTest(`attention cut by the limit ${limits[limit]} has the bytes of the whole: ${title}`, async (t) => {
      await assertSameCut(t, limit, { ...shape, ...options });
    });
  }
}

const ofStatistics: readonly Partial<Combination>[] = [{}, ragged, { mask: everyAxis, sinks: true }];

for (const options of ofStatistics) {
  const title = Object.keys(options).join(', ');
  gpuTest(`statistics of heads that are cut are those of the whole ${title}`, async (t) => {
    const given = { headStatistics: true, alignment: 'bottom-right', ...options } as const;
    await assertSameCut(t, 'ofQueries', { ...manyQueries, ...given });
  });
}

const modelDim = 64;

interface LayerCase extends Partial<LayerWidths> {
  readonly options: AttentionOptions;
  readonly limit?: Limit;
  readonly shape?: readonly number[];
}

const layers: Readonly<Record<string, LayerCase>> = {
  'every option of a layer': {
    kvHeads: 4,
    options: {
      rope: { base: 10_000 },
      qkNorm: { q: normalTensor([8], 5).data, k: normalTensor([8], 6).data, epsilon: 1e-5 },
      causal: true,
      returnLogSumExp: true,
      headStatistics: true,
    },
  },
  'extra keys and a ragged batch': {
    hasBiasKey: true,
    addZeroAttention: true,
    shape: [40, modelDim],
    options: { offsets: [0, 3, 40], causal: true },
  },
  'weights with extra keys': { hasBiasKey: true, outputDim: 30, options: { returnWeights: true } },
  'segments of many panels': { heads: 2, options: {} },
  'extra keys after several ranges': {
    heads: 2,
    hasBiasKey: true,
    addZeroAttention: true,
    limit: 'ofKeys',
    shape: [1, 140, modelDim],
    options: { returnWeights: true, returnScores: 'biased', causal: true, returnLogSumExp: true },
  },
  'dead heads': { options: { headScale: [1, 0, 0.5, 0, 0, 1, 1, 0] } },
};

for (const [title, layerCase] of Object.entries(layers)) {
  const { options, limit = 'ofQueries', shape = [2, 20, modelDim], heads = 8, ...widths } = layerCase;
  gpuTest(`a layer whose products are cut has the bytes of the whole: ${title}`, async (t) => {
    const { kvHeads = heads } = widths;
    const weights = layerWeights({ heads, headDim: modelDim / heads, modelDim, ...widths });
    const x = normalTensor(shape, 3);
    await assertSame(t, limit, async (engine) => {
      using layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
      return await layer.forward(x, options);
    });
  });
}

gpuTest('what one dispatch has to bind is refused by name where it is too large', async (t) => {
  const refuse = async (limit: Limit, combination: Combination, what: string): Promise<void> => {
    const { inputs } = combinationCase(combination);
    await assertRefused(t, () => engines.get(limit)!.attention(inputs), {
      code: 'MEMORY_LIMIT',
      what: [what, `maxStorageBufferBindingSize: ${limits[limit]}`],
    });
  };
  await refuse('ofQueries', { ...manyQueries, returnWeights: 'mean' }, 'mean weights');
  await refuse('ofKeys', { ...manyKeys, headStatistics: true, alignment: 'bottom-right' }, 'key');
  await refuse('ofQueries', manyKeys, 'key');
  await refuse('ofQueries', { ...manyQueries, headDim: 1000 }, 'query');
});

gpuTest('a device goes on after a call that it refused', async (t) => {
  const engine = engines.get('ofQueries')!;
  const { inputs } = combinationCase({ ...manyQueries, returnWeights: 'mean' });
  await t.throwsAsync(engine.attention(inputs), { code: 'MEMORY_LIMIT' });
  await assertSameCut(t, 'ofQueries', manyQueries);
});

test('no part is larger than the limit, wherever it begins, and all of them together are the operand', (t) => {
  const byteLength = 100_003;
  const of: Scratch = { kind: 'scratch', byteLength };
  for (const most of [1024, 2 ** 12 - 4, 5000]) {
    const limit = new BindingLimit({ maxStorageBufferBindingSize: most });
    const longest = largest(byteLength, (length) => limit.holdsStretch(of, length, 1));
    t.true(longest > most - 300);
    for (let first = 0; first < byteLength; first += 37) {
      const end = Math.min(first + longest, byteLength);
      const { bound, start } = limit.windowOf({ of, first, end, elementBytes: 1 });
      t.like(bound, { kind: 'part', byteOffset: start });
      t.is(start % 256, 0);
      t.true(bound.byteLength <= most && start <= first && start + bound.byteLength >= end);
    }
  }
});

test('what the device reads to be measured is read in parts that a binding holds, once', (t) => {
  const region = { buffer: null, byteOffset: 0, byteLength: 40_000 };
  const { dispatches } = readProgram(
    { kind: 'read', region },
    { limits: { maxStorageBufferBindingSize: 4096 } },
  );
  let read = 0;
  for (const { uniform, bound } of dispatches) {
    t.like(bound[0], { kind: 'part', of: region, byteOffset: read });
    read += 16 * new Uint32Array(uniform)[0]!;
  }
  t.is(read, region.byteLength);
});

async function assertSameCut(t: ExecutionContext, limit: Limit, combination: Combination): Promise<void> {
  const { inputs } = combinationCase(combination);
  await assertSame(t, limit, (engine) => engine.attention(inputs));
}

/** That a call gives the same bytes on an engine that cuts it, and is cut there. */
async function assertSame(
  t: ExecutionContext,
  limit: Limit,
  call: (engine: Engine) => Promise<AttentionResult>,
): Promise<void> {
  const [whole, cut] = [engines.get('whole')!, engines.get(limit)!];
  const before = [whole, cut].map(dispatchesOf);
  const [wanted, actual] = [await call(whole), await call(cut)];
  const [few, many] = [whole, cut].map((engine, n) => dispatchesOf(engine) - before[n]!);
  t.true(many! > few!, `${many!} dispatches instead of ${few!}`);
  assertSameBytes(t, actual.output.data, wanted.output.data);
  for (const name of ['weights', 'scores', 'logSumExp'] as const) {
    t.is(actual[name] === undefined, wanted[name] === undefined);
    if (wanted[name]) assertSameBytes(t, actual[name]!.data, wanted[name].data, name);
  }
  t.deepEqual(actual.headStatistics, wanted.headStatistics);
}

function dispatchesOf(engine: Engine): number {
  return engine.stats().device!.dispatches;
}
