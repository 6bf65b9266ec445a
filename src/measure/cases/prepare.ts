// A case made ready on an engine: operands, layer and cache, the call that is timed, and its check.
import type { AttentionResult } from '../../attention/result.js';
import type { Engine } from '../../engine/engine.js';
import type { MultiHeadAttention } from '../../engine/multi-head-attention.js';
import type { TensorLike } from '../../core/tensor/tensor.js';
import type { CaseShape } from '../grid/results.js';
import { checkResult } from './check.js';
import { drawOperands, optionsOf, type AttentionOperands, type LayerOperands } from './operands.js';
import { fillTokens } from './work.js';

/** What is needed of an engine. */
export type CaseEngine = Pick<Engine, 'attention' | 'multiHeadAttention' | 'stats'>;

/** Dispose it to give its memory back. */
export interface PreparedCase extends Disposable {
  /** What the engine holds before caches and calls: the packed weights. */
  readonly fixedBytes: number;
  /** Computes once. */
  call(): Promise<AttentionResult>;
  /**
   * The largest error of the rows that are checked, as `checkResult` gives it.
   * @param wanted what should have been computed from the same operands; default: the case itself
   */
  check(what: string, wanted?: CaseShape): Promise<number>;
}

// More than one tile of any kernel, and a rest; few enough to be checked whole.
const smallTokens = 150;

/**
 * @param operands what `drawOperands` gives, where somebody has them already
 * @throws MEMORY_LIMIT, and what calls of the engine throw
 */
export async function prepareCase(
  engine: CaseEngine,
  shape: CaseShape,
  operands = drawOperands(shape),
): Promise<PreparedCase> {
  const ready =
    operands.mode === 'attention'
      ? prepareAttention(engine, shape, operands)
      : await prepareLayer(engine, shape, operands);
  // What fills a cache is drawn again: kept, it would count as memory that calls take.
  const kept = shape.mode === 'decode' ? undefined : operands;
  return {
    ...ready,
    check: async (what, wanted = shape) => {
      // All rows tell whether head statistics are right, and few tokens whether options meet every edge.
      if (wanted.options !== 'none' && wanted.tokens > smallTokens) {
        using small = await prepareCase(engine, { ...wanted, tokens: smallTokens });
        await small.check(`${what} on ${smallTokens} tokens`);
      }
      return checkResult(what, wanted, kept ?? drawOperands(shape), await ready.call());
    },
  };
}

type Ready = Omit<PreparedCase, 'check'>;

function prepareAttention(engine: CaseEngine, shape: CaseShape, { q, k, v }: AttentionOperands): Ready {
  const inputs = { q, k, v, ...optionsOf(shape) };
  return {
    fixedBytes: engine.stats().memoryBytes,
    call: () => engine.attention(inputs),
    [Symbol.dispose]: () => undefined,
  };
}

async function prepareLayer(
  engine: CaseEngine,
  shape: CaseShape,
  { x, weights }: LayerOperands,
): Promise<Ready> {
  const { heads, kvHeads } = shape;
  const layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
  const fixedBytes = engine.stats().memoryBytes;
  try {
    const options = optionsOf(shape);
    const { call, dispose } =
      shape.mode === 'decode'
        ? await fillCache(layer, shape, x)
        : { call: () => layer.forward(x, options), dispose: () => undefined };
    return {
      fixedBytes,
      call,
      [Symbol.dispose]: () => {
        dispose();
        layer.dispose();
      },
    };
  } catch (error) {
    layer.dispose();
    throw error;
  }
}

async function fillCache(layer: MultiHeadAttention, shape: CaseShape, x: TensorLike) {
  const { tokens, batch, dtype } = shape;
  const cache = layer.createCache({ maxTokens: tokens + 1, batch, dtype });
  const options = { ...optionsOf(shape), cache };
  // What a cache holds is normalised and turned already.
  const { rope, qkNorm } = options;
  const most = fillTokens(shape);
  for (let first = 0; first < tokens; first += most) {
    const rows = sliceTokens(x, first, Math.min(tokens, first + most));
    // These outputs don't matter, and one key a query costs least.
    const cheap = { cache, causal: true, window: { left: 0 } };
    await layer.forward(rows, { ...cheap, ...(rope && { rope }), ...(qkNorm && { qkNorm }) });
  }
  const token = sliceTokens(x, tokens, tokens + 1);
  return {
    call: async (): Promise<AttentionResult> => {
      const result = await layer.forward(token, options);
      cache.truncate(tokens);
      return result;
    },
    dispose: () => {
      cache.dispose();
    },
  };
}

/** Packed weights and working memory of the engine during a call. */
export async function measureWorkingBytes(
  engine: CaseEngine,
  prepared: Pick<PreparedCase, 'call'>,
): Promise<number> {
  // A call takes its memory before it first waits.
  const running = prepared.call();
  const { memoryBytes } = engine.stats();
  await running;
  return memoryBytes;
}

/** Some tokens of every sequence of [batch, tokens, width]. */
function sliceTokens({ shape, data }: TensorLike, first: number, end: number): TensorLike {
  const [batch, tokens, width] = shape as readonly [number, number, number];
  const length = (end - first) * width;
  const rows = new Float32Array(new SharedArrayBuffer(4 * batch * length));
  for (let b = 0; b < batch; b++) {
    const start = (b * tokens + first) * width;
    rows.set(data.subarray(start, start + length), b * length);
  }
  return { shape: [batch, end - first, width], data: rows };
}
