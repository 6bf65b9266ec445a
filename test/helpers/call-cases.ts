// Calls of random shapes and options, each one to be made any number of times on any engine with the same bytes.
import { createRandom } from '../../src/core/tensor/random.js';
import { elementCount } from '../../src/core/tensor/shape.js';
import type { Tensor, TensorLike } from '../../src/core/tensor/tensor.js';
import {
  createXavierWeights,
  type AttentionOptions,
  type AttentionResult,
  type Engine,
  type KeyValueCache,
  type MultiHeadAttention,
} from '../../src/index.js';
import { normalTensor, randomMask } from './random.js';

/** What the cases are made of on one engine. */
export interface CallKit {
  readonly engine: Engine;
  readonly layers: Readonly<Record<LayerName, MultiHeadAttention>>;
  /** Of each layer, with the tokens that cached calls follow. */
  readonly caches: Readonly<Record<LayerName, KeyValueCache>>;
}

/** What differs from call to call of a case. */
export type HostOptions = Pick<AttentionOptions, 'signal' | 'timeoutMs' | 'priority' | 'out'>;

export interface CallCase {
  readonly name: string;
  readonly call: (kit: CallKit, host: HostOptions) => Promise<AttentionResult>;
  /** Whether it turns or normalises queries and keys in place, so that a unit lost in it can't run again. */
  readonly worksInPlace: boolean;
  /** The same for cases that are made of the same layer and options, so that they may be computed together. */
  readonly family: string;
}

const layers = {
  narrow: { modelDim: 16, heads: 2, kvHeads: 2 },
  wide: { modelDim: 48, heads: 6, kvHeads: 3 },
} as const;
const headDim = 8;
type LayerName = keyof typeof layers;
const layerNames = ['narrow', 'wide'] as const;

const cachedTokens = 150;
// Forks share what their cache has room for: each of so many takes a few pages of its own.
const mostForks = 80;
const tokensOfFork = 384;

/** Makes layers and caches on an engine, and whatever the first calls make there. */
export async function openKit(engine: Engine): Promise<CallKit> {
  const made = async (name: LayerName): Promise<MultiHeadAttention> => {
    const { modelDim, heads, kvHeads } = layers[name];
    const weights = createXavierWeights({ modelDim, heads, kvHeads, seed: heads });
    const layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
    // Packs what statistics need.
    await layer.forward(normalTensor([1, modelDim], 1), { headStatistics: true });
    return layer;
  };
  const kit = { narrow: await made('narrow'), wide: await made('wide') };
  const cached = async (name: LayerName): Promise<KeyValueCache> => {
    const cache = kit[name].createCache({ maxTokens: mostForks * tokensOfFork });
    await kit[name].forward(normalTensor([cachedTokens, layers[name].modelDim], 2), { cache });
    return cache;
  };
  return { engine, layers: kit, caches: { narrow: await cached('narrow'), wide: await cached('wide') } };
}

/** All that a call gave, one number after another. */
export function numbersOf({ headStatistics, ...tensors }: AttentionResult): Float32Array {
  const statistics: readonly Tensor[] = Object.values(headStatistics ?? {});
  const parts = [tensors.output, tensors.weights, tensors.scores, tensors.logSumExp, ...statistics];
  return Float32Array.from(parts.flatMap((tensor) => (tensor === undefined ? [] : [...tensor.data])));
}

/** Draws numbers and choices. */
export class Draw {
  readonly #random: ReturnType<typeof createRandom>;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** From 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(count * this.#random.uniform());
  }

  /** True with probability `share`. */
  chance(share: number): boolean {
    return this.#random.uniform() < share;
  }

  of<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.below(choices.length)]!;
  }
}

/** Some sixty cases. */
export function drawCases(seed: number): readonly CallCase[] {
  const draw = new Draw(seed);
  const repeat = (count: number, make: (draw: Draw) => CallCase): CallCase[] =>
    Array.from({ length: count }, () => make(draw));
  return [
    ...repeat(24, plainCase),
    ...repeat(6, raggedCase),
    ...repeat(7, maskedCase),
    ...repeat(7, detailedCase),
    ...repeat(5, crossCase),
    ...repeat(8, () => aloneCase(draw, draw.of(lengths))),
    // Long enough to be ended in the midst of writing its output.
    aloneCase(draw, 500),
    ...repeat(6, cachedCase),
  ];
}

const lengths = [0, 1, 1, 2, 5, 9, 17, 33, 48, 64, 100, 200];

function layerCase(
  name: string,
  layer: LayerName,
  input: TensorLike | { readonly query: TensorLike; readonly key: TensorLike },
  options: AttentionOptions,
): CallCase {
  const shape = 'query' in input ? input.query.shape : input.shape;
  return {
    name: `${name} of the ${layer} layer, [${shape.join(', ')}], ${Object.keys(options).join(' ')}`,
    call: (kit, host) => kit.layers[layer].forward(input, { ...options, ...host }),
    worksInPlace: options.rope !== undefined || options.qkNorm !== undefined,
    family: `${layer} ${JSON.stringify(options)}`,
  };
}

function plainCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const { modelDim } = layers[layer];
  const tokens = draw.of(lengths);
  const shape = draw.chance(0.3) ? [1 + draw.below(4), Math.min(tokens, 50), modelDim] : [tokens, modelDim];
  const x = normalTensor(shape, draw.below(1e6));
  // Not only memory that is shared.
  const input = draw.chance(0.3) ? { shape, data: Float32Array.from(x.data) } : x;
  return layerCase('rows', layer, input, drawRules(draw, layers[layer].heads));
}

function raggedCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const offsets = [0];
  for (let n = 1 + draw.below(6); n > 0; n--) offsets.push(offsets.at(-1)! + draw.of(lengths.slice(0, 9)));
  const x = normalTensor([offsets.at(-1)!, layers[layer].modelDim], draw.below(1e6));
  return layerCase('a ragged batch', layer, x, { ...drawRules(draw, layers[layer].heads), offsets });
}

function maskedCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const { modelDim, heads } = layers[layer];
  const tokens = draw.of(lengths.slice(1, 11));
  const x = normalTensor([2, tokens, modelDim], draw.below(1e6));
  const options = draw.of<AttentionOptions>([
    { mask: randomMask([tokens, tokens], draw.below(1e6)) },
    { bias: normalTensor([heads, tokens, tokens], draw.below(1e6)) },
    { keyLengths: [draw.below(tokens + 1), tokens] },
  ]);
  return layerCase('masked rows', layer, x, { ...drawRules(draw, heads), ...options });
}

function detailedCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const x = normalTensor([draw.of(lengths.slice(1, 11)), layers[layer].modelDim], draw.below(1e6));
  const details = draw.of<AttentionOptions>([
    { returnWeights: true },
    { returnWeights: 'mean', returnLogSumExp: true },
    { returnLogSumExp: true },
    { headStatistics: true },
    { returnScores: 'biased' },
  ]);
  return layerCase('rows with details', layer, x, { ...drawRules(draw, layers[layer].heads), ...details });
}

function crossCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const { modelDim } = layers[layer];
  const [query, key] = [draw.of(lengths), draw.of(lengths)].map((tokens) =>
    normalTensor([tokens, modelDim], draw.below(1e6)),
  );
  return layerCase('other rows', layer, { query: query!, key: key! }, { softcap: 3 });
}

function aloneCase(draw: Draw, queries: number): CallCase {
  // One query on many keys is cut into ranges of keys.
  const keys = queries === 1 ? 5000 : Math.max(queries, draw.of(lengths));
  const kvHeads = draw.of([1, 2]);
  const heads = kvHeads * draw.of([1, 2]);
  const [q, k, v] = [
    [1, heads, queries, headDim],
    [1, kvHeads, keys, headDim],
    [1, kvHeads, keys, draw.of([headDim, 5])],
  ].map((shape) => normalTensor(shape, draw.below(1e6)));
  const returnLogSumExp = draw.chance(0.5);
  return {
    name: `attention alone, ${heads} heads, ${queries} queries, ${keys} keys`,
    call: (kit, host) => kit.engine.attention({ q: q!, k: k!, v: v!, returnLogSumExp, ...host }),
    worksInPlace: false,
    family: 'alone',
  };
}

function cachedCase(draw: Draw): CallCase {
  const layer = draw.of(layerNames);
  const held = draw.chance(0.5) ? cachedTokens : 1 + draw.below(cachedTokens);
  const tokens = draw.of([1, 3, 20]);
  const x = normalTensor([tokens, layers[layer].modelDim], draw.below(1e6));
  const causal = draw.chance(0.5);
  return {
    name: `${tokens} new rows of the ${layer} layer behind ${held} cached ones`,
    call: async (kit, host) => {
      using cache = kit.caches[layer].fork();
      cache.truncate(held);
      let wanted = held;
      try {
        const result = await kit.layers[layer].forward(x, { causal, cache, ...host });
        wanted += tokens;
        return result;
      } finally {
        if (cache.tokens[0] !== wanted)
          throw new Error(`${cache.tokens[0]} of ${wanted} tokens in the cache`);
      }
    },
    worksInPlace: false,
    family: 'cached',
  };
}

/** Options that hold for rows of any length; few, so that many calls have the same. */
function drawRules(draw: Draw, heads: number): AttentionOptions {
  const numbers = [0.5, -1, 0.25, 1, 0, 2].slice(0, heads);
  const ones = new Array<number>(headDim).fill(1);
  return draw.of<AttentionOptions>([
    {},
    {},
    { causal: 'top-left' },
    { window: { left: 7 }, alignment: 'top-left', softcap: 2 },
    { sinks: numbers, headScale: numbers },
    { rope: { base: 10_000 }, qkNorm: { q: ones, k: ones }, causal: 'top-left' },
  ]);
}

/** How much a call was predicted to take, on an engine without any other. */
export async function bytesAlone(
  kit: CallKit,
  { call }: CallCase,
  host: HostOptions = {},
): Promise<{ readonly result: AttentionResult; readonly bytes: number }> {
  const open = call(kit, host);
  const { queuedBytes } = kit.engine.stats();
  return { result: await open, bytes: queuedBytes };
}

/** Memory to write an output of a result's shape into. */
export function createOut({ engine }: CallKit, { shape }: Tensor): Tensor {
  return engine.tensor(shape, new Float32Array(elementCount(shape)).fill(NaN));
}
