// Options where they stand in a layer: half of the heads switched off, and single tokens after a cache of many.
import type { Dtype, Engine, KeyValueCache, MultiHeadWeights, Tensor } from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { randomTensor, randomWeights } from './inputs.js';
import { halfOfHeads } from './option-cases.js';
import { measureCost, type Cost } from './option-cost.js';
import { checkClose, layerRow, relativeError } from './oracle.js';
import type { Contestant } from '../../src/measure/pairs.js';

export interface LayerOptionCase {
  readonly modelDim: number;
  readonly heads: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** Checks, then times a forward pass with every other head off against one with all. @throws RangeError */
export async function measureHalfOfLayer(engine: Engine, options: LayerOptionCase): Promise<Cost> {
  const { modelDim, heads, tokens, seconds } = options;
  const weights = randomWeights({ modelDim, heads });
  using layer = await engine.multiHeadAttention({ heads, weights });
  const x = randomTensor([tokens, modelDim], 6);
  const headScale = halfOfHeads(heads);
  const { output } = await layer.forward(x, { headScale });
  const wanted = layerRow(x, scaleHeads(weights, headScale), heads, tokens - 1);
  checkClose('The last row with half of the heads', relativeError(output.data.subarray(-modelDim), wanted));
  return await measureCost({
    name: 'layer-half-of-heads',
    plain: () => layer.forward(x),
    option: () => layer.forward(x, { headScale }),
    seconds,
  });
}

/** The same layer without the option: factors moved into the columns of W^O. */
function scaleHeads(weights: MultiHeadWeights, headScale: readonly number[]): MultiHeadWeights {
  const { output } = weights;
  const width = output.weight.shape[1]!;
  const weight = createTensor(output.weight.shape, output.weight.data);
  for (let n = 0; n < weight.data.length; n++) {
    weight.data[n]! *= headScale[Math.floor(((n % width) * headScale.length) / width)]!;
  }
  return { ...weights, output: { ...output, weight } };
}

export interface Decoding {
  /** f16 and bf16, each against f32. */
  readonly costs: readonly Cost[];
  readonly steps: readonly DecodingStep[];
}

export interface DecodingStep {
  readonly dtype: Dtype;
  /** Median of a token. */
  readonly us: number;
  /** Keys and values read a second, of the cache alone. */
  readonly bytesPerSecond: number;
}

// As exact as what is stored; sums in float32.
const leastErrors = { f32: 1e-4, f16: 2 ** -11, bf16: 2 ** -8 } as const satisfies Record<Dtype, number>;
const bytesPerNumber = { f32: 4, f16: 2, bf16: 2 } as const satisfies Record<Dtype, number>;
// Short calls are timed in a row, so that no sample begins with threads that sleep.
const sampleMs = 50;
const tokensPerCall = 4096;

/** Checks, then times one more token after caches of `tokens` tokens that differ in how they store. @throws RangeError */
export async function measureDecoding(engine: Engine, options: LayerOptionCase): Promise<Decoding> {
  const { modelDim, heads, tokens, seconds } = options;
  const weights = randomWeights({ modelDim, heads });
  using layer = await engine.multiHeadAttention({ heads, weights });
  const x = randomTensor([tokens + 1, modelDim], 6);
  const wanted = layerRow(x, weights, heads, tokens);
  const createCache = (dtype: Dtype): KeyValueCache => layer.createCache({ maxTokens: tokens + 1, dtype });

  /** Fills a cache, checks the token that follows, and takes it back each time. */
  const prepareStep = async (cache: KeyValueCache): Promise<Contestant> => {
    for (let first = 0; first < tokens; first += tokensPerCall) {
      const rows = sliceTokens(x, first, Math.min(tokens, first + tokensPerCall));
      // Outputs don't matter here, and one key a query costs least.
      await layer.forward(rows, { cache, causal: true, window: { left: 0 } });
    }
    const token = sliceTokens(x, tokens, tokens + 1);
    const step = async (): Promise<Tensor> => {
      const { output } = await layer.forward(token, { cache, causal: true });
      cache.truncate(tokens);
      return output;
    };
    const { data } = await step();
    checkClose(`A token after ${cache.dtype}`, relativeError(data, wanted), leastErrors[cache.dtype]);
    return step;
  };

  using full = createCache('f32');
  const plain = await prepareStep(full);
  const costs: Cost[] = [];
  const steps: DecodingStep[] = [];
  const addStep = (dtype: Dtype, ms: number): void => {
    const bytes = 2 * tokens * modelDim * bytesPerNumber[dtype];
    steps.push({ dtype, us: ms * 1e3, bytesPerSecond: (bytes / ms) * 1e3 });
  };
  for (const dtype of ['f16', 'bf16'] as const) {
    using cache = createCache(dtype);
    const cost = await measureCost({
      ...{ name: `decoding-${dtype}-against-f32`, plain, option: await prepareStep(cache) },
      ...{ seconds, sampleMs },
    });
    if (steps.length === 0) addStep('f32', cost.plain.median);
    addStep(dtype, cost.option.median);
    costs.push(cost);
  }
  return { costs, steps };
}

function sliceTokens({ shape, data }: Tensor, first: number, end: number): Tensor {
  const width = shape[1]!;
  return { shape: [end - first, width], data: data.subarray(first * width, end * width) };
}
