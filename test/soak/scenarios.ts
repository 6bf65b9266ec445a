// What the callers of a soak do: calls of mixed shapes and options, seeded, so that each has one right answer.
import type {
  AttentionOptions,
  AttentionResult,
  Engine,
  MultiHeadAttention,
  Tensor,
  TensorLike,
} from '../../src/index.js';
import { layerWeights, type LayerWidths } from '../helpers/layer-case.js';
import { normalTensor, randomMask } from '../helpers/random.js';

/** A call as often as it is asked for: after an abort, once more with the same answer. */
export type MakeCall = (more: Pick<AttentionOptions, 'signal'>) => Promise<AttentionResult>;

export interface Scenario {
  readonly name: string;
  /** Whether a call may fail where a worker is lost: it changes what it reads, or adds to a result. */
  readonly mayBeLost: boolean;
  /** Makes calls one after another and has each answered. Runs beside itself, too. */
  readonly play: (ask: (makeCall: MakeCall) => Promise<void>) => Promise<void>;
}

interface Model {
  readonly name: string;
  readonly widths: LayerWidths & { readonly heads: number };
}

const models: readonly Model[] = [
  { name: 'narrow', widths: { modelDim: 64, heads: 4, headDim: 16 } },
  { name: 'grouped', widths: { modelDim: 128, heads: 8, kvHeads: 2, headDim: 16, seed: 2 } },
];

const longest = 512;
const lengths = [1, 2, 7, 16, 33, 64, 129, 257, longest];
/** Beyond that, what is returned for every key would be most of what there is to compare. */
const longestReturned = 129;

type OptionsOf = (model: Model, tokens: number) => AttentionOptions;

const plain: Readonly<Record<string, OptionsOf>> = {
  bare: () => ({}),
  causal: () => ({ causal: true }),
  batch: () => ({ priority: 'batch' }),
  deadline: () => ({ timeoutMs: 600_000, causal: true }),
  window: () => ({ causal: true, window: { left: 20 } }),
  mask: (_, tokens) => ({ mask: randomMask([tokens, tokens], tokens) }),
  bias: ({ widths }, tokens) => ({ bias: normalTensor([1, widths.heads, 1, tokens], tokens) }),
  scores: ({ widths }) => ({
    ...{ softcap: 20, scale: 0.2, causal: true },
    ...{ alibiSlopes: repeat(widths, 0.06), sinks: repeat(widths, 0.5), headScale: repeat(widths, 0.7) },
  }),
  sums: () => ({ returnLogSumExp: true, headStatistics: true, causal: true }),
};
const changing: Readonly<Record<string, OptionsOf>> = {
  rope: ({ widths: { headDim } }) => ({
    ...{ causal: true, rope: { base: 10_000 } },
    qkNorm: { q: normalTensor([headDim], 5).data, k: normalTensor([headDim], 6).data },
  }),
};
const returning: Readonly<Record<string, OptionsOf>> = {
  weights: () => ({ returnWeights: true, priority: 'batch' }),
  scored: () => ({ returnScores: 'biased', causal: true }),
};
const adding: Readonly<Record<string, OptionsOf>> = { mean: () => ({ returnWeights: 'mean' }) };

const kinds = [
  { table: plain, longest, mayBeLost: false },
  { table: returning, longest: longestReturned, mayBeLost: false },
  { table: changing, longest, mayBeLost: true },
  { table: adding, longest: longestReturned, mayBeLost: true },
];

export async function openScenarios(engine: Engine): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for (const model of models) {
    const layer = await engine.multiHeadAttention(layerOf(model));
    scenarios.push(
      ...singleCalls(model, layer),
      ...intoOwnBuffers(engine, model, layer),
      ragged(model, layer),
      decoding(model, layer),
      beams(model, layer),
      freshLayer(engine, model),
    );
  }
  scenarios.push(...lengths.map((tokens) => bareAttention(engine, tokens)));
  return scenarios;
}

/** Every option at some of the lengths, all lengths among them. */
function singleCalls(model: Model, layer: MultiHeadAttention): Scenario[] {
  const all = kinds.flatMap(({ table, longest: most, mayBeLost }) =>
    Object.entries(table).map(([option, optionsOf]) => ({ option, optionsOf, most, mayBeLost })),
  );
  return all.flatMap(({ option, optionsOf, most, mayBeLost }, n) => {
    const own = lengths.filter((tokens, at) => tokens <= most && (at + n) % 3 === 0);
    return own.map((tokens): Scenario => {
      const x = n % 2 === 0 ? rows(model, tokens) : unshared(rows(model, tokens));
      const options = optionsOf(model, tokens);
      return {
        ...{ name: `${model.name} ${option} ${tokens}`, mayBeLost },
        play: (ask) => ask((more) => layer.forward(x, { ...options, ...more })),
      };
    });
  });
}

/** Callers who come again bring the buffer that they had. What it held before is no answer. */
function intoOwnBuffers(engine: Engine, model: Model, layer: MultiHeadAttention): Scenario[] {
  return [33, 257].map((tokens) => {
    const x = engine.tensor([tokens, model.widths.modelDim], rows(model, tokens).data);
    const spare: Tensor[] = [];
    return {
      ...{ name: `${model.name} out ${tokens}`, mayBeLost: false },
      play: async (ask) => {
        const out = spare.pop() ?? engine.tensor(x.shape);
        await ask((more) => {
          out.data.fill(NaN);
          return layer.forward(x, { causal: true, out, ...more });
        });
        spare.push(out);
      },
    };
  });
}

function ragged(model: Model, layer: MultiHeadAttention): Scenario {
  const offsets = [0, 1, 34, 34, 100];
  const x = rows(model, 100);
  return {
    ...{ name: `${model.name} ragged`, mayBeLost: false },
    play: (ask) => ask((more) => layer.forward(x, { offsets, causal: true, ...more })),
  };
}

/** A prompt, then token after token, from caches of each type. */
function decoding(model: Model, layer: MultiHeadAttention): Scenario {
  const [prompt, steps] = [130, 6];
  const x = rows(model, prompt + steps);
  return {
    ...{ name: `${model.name} decoding`, mayBeLost: false },
    play: async (ask) => {
      for (const dtype of ['f32', 'bf16'] as const) {
        using cache = layer.createCache({ maxTokens: prompt + steps, dtype });
        const options = { causal: true, cache };
        await ask((more) => layer.forward(stretch(x, 0, prompt), { ...options, ...more }));
        for (let at = prompt; at < prompt + steps; at++)
          await ask((more) => layer.forward(stretch(x, at, at + 1), { ...options, ...more }));
      }
    },
  };
}

/** Two continuations of one prompt, in one call. */
function beams(model: Model, layer: MultiHeadAttention): Scenario {
  const prompt = 60;
  const x = rows(model, prompt + 8);
  return {
    ...{ name: `${model.name} beams`, mayBeLost: false },
    play: async (ask) => {
      using cache = layer.createCache({ maxTokens: 512 });
      await ask((more) => layer.forward(stretch(x, 0, prompt), { causal: true, cache, ...more }));
      using beam = cache.fork();
      for (let step = 0; step < 4; step++) {
        const next = stretch(x, prompt + 2 * step, prompt + 2 * step + 2);
        const options = { causal: true, cache: [cache, beam], offsets: [0, 1, 2] };
        await ask((more) => layer.forward(next, { ...options, ...more }));
      }
    },
  };
}

/** A layer that lives for two calls. */
function freshLayer(engine: Engine, model: Model): Scenario {
  const options = layerOf(model);
  const x = rows(model, 40);
  return {
    ...{ name: `${model.name} fresh layer`, mayBeLost: false },
    play: async (ask) => {
      using layer = await engine.multiHeadAttention(options);
      await ask((more) => layer.forward(x, more));
      await ask((more) => layer.forward(x, { causal: true, ...more }));
    },
  };
}

function bareAttention(engine: Engine, tokens: number): Scenario {
  const draw = (heads: number, seed: number): Tensor => normalTensor([1, heads, tokens, 32], seed);
  const inputs = { q: draw(4, 1), k: draw(2, 2), v: draw(2, 3) };
  return {
    ...{ name: `attention ${tokens}`, mayBeLost: false },
    play: (ask) => ask((more) => engine.attention({ ...inputs, causal: true, ...more })),
  };
}

function layerOf({ widths }: Model) {
  const { heads, kvHeads = heads } = widths;
  return { heads, kvHeads, weights: layerWeights(widths) };
}

function rows({ widths: { modelDim } }: Model, tokens: number): Tensor {
  return normalTensor([tokens, modelDim], tokens);
}

/** As most callers have it: the engine has to copy. */
function unshared({ shape, data }: Tensor): TensorLike {
  return { shape, data: Float32Array.from(data) };
}

function stretch({ shape, data }: Tensor, from: number, to: number): Tensor {
  const width = shape[1]!;
  return { shape: [to - from, width], data: data.subarray(from * width, to * width) };
}

function repeat({ heads }: { readonly heads: number }, value: number): number[] {
  return new Array<number>(heads).fill(value);
}
