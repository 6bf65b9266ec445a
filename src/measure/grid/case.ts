// A case made ready on an engine: inputs, layer and cache, and the call that is timed.
import type { AttentionOptions } from '../../attention/options.js';
import type { MultiHeadWeights } from '../../attention/weights.js';
import type { Engine } from '../../engine/engine.js';
import type { Tensor, TensorLike } from '../../core/tensor/tensor.js';
import { normalTensor, store, weightsOf } from './inputs.js';
import type { BenchCase } from './results.js';
import { fillTokens } from './work.js';

/** What is needed of an engine. */
export type CaseEngine = Pick<Engine, 'attention' | 'multiHeadAttention' | 'stats'>;

/** What a call computes from, for checking it. */
export type Operands =
  | { readonly mode: 'attention'; readonly q: TensorLike; readonly k: TensorLike; readonly v: TensorLike }
  | {
      readonly mode: 'layer' | 'decode';
      /** [batch, tokens, modelDim]; of mode decode with the token behind those that are cached. */
      readonly x: TensorLike;
      readonly weights: MultiHeadWeights;
    };

/** Dispose it to give its memory back. */
export interface PreparedCase extends Disposable {
  /** What the engine holds before caches and calls: the packed weights. */
  readonly fixedBytes: number;
  /** What calls compute from; what only filling a cache needs is drawn again. */
  operands(): Operands;
  /** Computes the output once. */
  call(): Promise<Tensor>;
}

/** @throws MEMORY_LIMIT, and what calls of the engine throw */
export async function prepareCase(engine: CaseEngine, benchCase: BenchCase): Promise<PreparedCase> {
  switch (benchCase.mode) {
    case 'attention':
      return prepareAttention(engine, benchCase);
    case 'layer':
      return prepareLayer(engine, benchCase);
    case 'decode':
      return prepareDecoding(engine, benchCase);
    default:
      return benchCase.mode satisfies never;
  }
}

/** Packed weights and working memory of the engine during a call. */
export async function measureWorkingBytes(engine: CaseEngine, prepared: PreparedCase): Promise<number> {
  // A call takes its memory before it first waits.
  const running = prepared.call();
  const { memoryBytes } = engine.stats();
  await running;
  return memoryBytes;
}

function prepareAttention(engine: CaseEngine, benchCase: BenchCase): PreparedCase {
  const { batch, heads, kvHeads, tokens, headDim, dtype } = benchCase;
  const tensor = (count: number, seed: number): TensorLike =>
    store(normalTensor([batch, count, tokens, headDim], seed), dtype);
  const inputs = { q: tensor(heads, 1), k: tensor(kvHeads, 2), v: tensor(kvHeads, 3) };
  const options = optionsOf(benchCase);
  return {
    fixedBytes: engine.stats().memoryBytes,
    operands: () => ({ mode: 'attention', ...inputs }),
    call: async () => (await engine.attention({ ...inputs, ...options })).output,
    [Symbol.dispose]: () => undefined,
  };
}

async function prepareLayer(engine: CaseEngine, benchCase: BenchCase): Promise<PreparedCase> {
  const { batch, heads, kvHeads, tokens, modelDim, dtype } = benchCase;
  const weights = weightsOf(benchCase);
  const x = store(normalTensor([batch, tokens, modelDim], 6), dtype);
  const layer = await engine.multiHeadAttention({ heads, kvHeads, weights, ...optionsOf(benchCase) });
  return {
    fixedBytes: engine.stats().memoryBytes,
    operands: () => ({ mode: 'layer', x, weights }),
    call: async () => (await layer.forward(x)).output,
    [Symbol.dispose]: () => {
      layer.dispose();
    },
  };
}

async function prepareDecoding(engine: CaseEngine, benchCase: BenchCase): Promise<PreparedCase> {
  const { batch, heads, kvHeads, tokens, modelDim, dtype } = benchCase;
  const weights = weightsOf(benchCase);
  const draw = (): Tensor => normalTensor([batch, tokens + 1, modelDim], 6);
  const layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
  const fixedBytes = engine.stats().memoryBytes;
  try {
    const cache = layer.createCache({ maxTokens: tokens + 1, batch, dtype });
    const x = draw();
    const most = fillTokens(benchCase);
    for (let first = 0; first < tokens; first += most) {
      const rows = sliceTokens(x, first, Math.min(tokens, first + most));
      // These outputs don't matter, and one key a query costs least.
      await layer.forward(rows, { cache, causal: true, window: { left: 0 } });
    }
    const token = sliceTokens(x, tokens, tokens + 1);
    const options = { ...optionsOf(benchCase), cache };
    return {
      fixedBytes,
      operands: () => ({ mode: 'decode', x: draw(), weights }),
      call: async () => {
        const { output } = await layer.forward(token, options);
        cache.truncate(tokens);
        return output;
      },
      [Symbol.dispose]: () => {
        cache.dispose();
        layer.dispose();
      },
    };
  } catch (error) {
    layer.dispose();
    throw error;
  }
}

function optionsOf({ causal, window }: BenchCase): AttentionOptions {
  return { ...(causal && { causal }), ...(window !== null && { window: { left: window } }) };
}

/** Some tokens of every sequence of [batch, tokens, width]. */
function sliceTokens({ shape, data }: Tensor, first: number, end: number): TensorLike {
  const [batch, tokens, width] = shape as readonly [number, number, number];
  const length = (end - first) * width;
  const rows = new Float32Array(new SharedArrayBuffer(4 * batch * length));
  for (let b = 0; b < batch; b++) {
    const start = (b * tokens + first) * width;
    rows.set(data.subarray(start, start + length), b * length);
  }
  return { shape: [batch, end - first, width], data: rows };
}
