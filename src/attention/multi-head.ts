// The layer: projections, heads, concatenation and W^O as one call. It checks and describes; an engine computes.
import { expected, HeadpoolError } from '../core/errors.js';
import { checkNames } from '../core/suggest.js';
import { formatShape, type Shape } from '../core/tensor/shape.js';
import type { Tensor, TensorLike } from '../core/tensor/tensor.js';
import { denseBatch, lengthsOf, raggedBatch, rowsOf } from './batch.js';
import type { KeyValueCache } from './cache.js';
import { resolveCacheOptions, type CacheOptions, type ResolvedCacheOptions } from './cache-options.js';
import { behindCaches, cachesOf } from './cached-batch.js';
import { checkOptionNames, type AttentionOptions } from './options.js';
import type { Explanation } from './explain-row.js';
import { explainLayer, type WeightIndex } from './explain.js';
import type { Batch, Heads, ResolvedOptions } from './problem.js';
import { resolveOptions } from './resolve-options.js';
import { shareFloats, type SharedFloats } from './shared.js';
import type { ResolvedWeights } from './weights.js';

/** What an attention returns; the optional parts are there if they were asked for. */
export interface AttentionResult {
  /** Laid out like the query input. */
  readonly output: Tensor;
  readonly weights?: Tensor;
  readonly scores?: Tensor;
  readonly logSumExp?: Tensor;
  readonly headStatistics?: HeadStatistics;
}

/**
 * What heads attend: tensors [entries, heads], an entry being a sequence of the batch. Means over the rows that attend a
 * key, 0 where none does; p are a row's weights, position its place on the diagonal.
 */
export interface HeadStatistics {
  /** -Σ p ln p, in nats. */
  readonly entropy: Tensor;
  /** Σ p · |position - j|, in tokens. */
  readonly meanDistance: Tensor;
  /** The weight of key 0, of the key at the row's position, of the one before and of the one behind it. */
  readonly first: Tensor;
  readonly self: Tensor;
  readonly previous: Tensor;
  readonly next: Tensor;
  /** The largest weight. */
  readonly largest: Tensor;
  /** L2 norm of the head's output. */
  readonly outputNorm: Tensor;
  /** L2 norm of the head's share of the layer's output, its columns of W^O times its output; of layers only. */
  readonly contributionNorm?: Tensor;
}

/** Inputs of cross-attention: [batch, tokens, width], or [tokens, width] for one sequence or a ragged batch. */
export interface CrossInputs {
  readonly query: TensorLike;
  readonly key: TensorLike;
  /** Default `key`. */
  readonly value?: TensorLike;
}

/** One checked call of a layer. */
export interface LayerCall {
  readonly query: SharedFloats;
  readonly key: SharedFloats;
  readonly value: SharedFloats;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
  readonly outputShape: Shape;
  /** Those of the sequences of the batch, in their order; none where keys are those of the call alone. */
  readonly caches: readonly KeyValueCache[];
}

/** The engine's side of a layer. */
export interface LayerRuntime {
  run(call: LayerCall): Promise<AttentionResult>;
  createCache(options: ResolvedCacheOptions): KeyValueCache;
  dispose(): void;
}

export class MultiHeadAttention {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** Width of the query input. */
  readonly modelDim: number;
  readonly outputDim: number;
  readonly #weights: ResolvedWeights;
  readonly #defaults: AttentionOptions;
  readonly #runtime: LayerRuntime;
  #isDisposed = false;

  /** Made by `engine.multiHeadAttention`. */
  constructor(weights: ResolvedWeights, defaults: AttentionOptions, runtime: LayerRuntime) {
    this.heads = weights.heads;
    this.kvHeads = weights.kvHeads;
    this.headDim = weights.headDim;
    this.valueDim = weights.valueDim;
    this.modelDim = weights.query.inputs;
    this.outputDim = weights.output.outputs;
    this.#weights = weights;
    this.#defaults = defaults;
    this.#runtime = runtime;
  }

  /**
   * softmax(q·kᵀ·scale)·v of every head, concatenated, times W^O.
   * @param input x [batch, tokens, modelDim], or [tokens, modelDim] for one sequence or, with `offsets`, a ragged
   * batch; { query, key, value? } for cross-attention
   * @returns output shaped like the query input with outputDim as its width
   * @throws INVALID_SHAPE, INVALID_OPTION, UNKNOWN_OPTION before anything is allocated; MEMORY_LIMIT, QUEUE_FULL,
   * WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED; CACHE_FULL, CACHE_IN_USE; the signal's reason when cancelled. A call that
   * fails leaves its caches as they were.
   */
  async forward(input: TensorLike | CrossInputs, options: AttentionOptions = {}): Promise<AttentionResult> {
    if (this.#isDisposed) throw new HeadpoolError('ENGINE_CLOSED', 'The layer was disposed before the call');
    checkOptionNames(options);
    return this.#runtime.run(this.describe(input, { ...this.#defaults, ...options }));
  }

  /** Checks a call without running it. @throws as `forward` does for its arguments */
  describe(input: TensorLike | CrossInputs, options: AttentionOptions = {}): LayerCall {
    const inputs = crossInputs(input);
    const query = shareFloats('query', inputs.query);
    const key = inputs.key === inputs.query ? query : shareFloats('key', inputs.key);
    const value = inputs.value === undefined ? key : shareFloats('value', inputs.value);
    this.#checkWidths({ query, key, value });

    const queryRows = rowsOf('query', query.shape);
    const keyRows = rowsOf('key', key.shape);
    const valueRows = rowsOf('value', value.shape);
    if (valueRows.batch !== keyRows.batch || valueRows.tokens !== keyRows.tokens) {
      throw expected(
        'INVALID_SHAPE',
        `the tokens of key ${formatShape(key.shape)}`,
        'value',
        formatShape(value.shape),
      );
    }
    if (options.offsets !== undefined && (query.shape.length !== 2 || key.shape.length !== 2)) {
      const what = 'inputs [totalTokens, width] beside it';
      throw expected(
        'INVALID_OPTION',
        what,
        'offsets',
        `query ${formatShape(query.shape)}, key ${formatShape(key.shape)}`,
      );
    }
    const caches = cachesOf(options.cache, this.#runtime);
    if (caches.length > 0 && (query !== key || value !== key)) {
      throw expected('INVALID_OPTION', 'no `key` and `value` beside `cache`', 'cache', options.cache);
    }
    const rows = this.#batchOf(queryRows, keyRows, options, query === key);
    const batch = caches.length > 0 ? behindCaches(rows, caches, options) : rows;
    const outputShape = [...query.shape.slice(0, -1), this.outputDim];
    const heads: Heads = this.#weights;
    return {
      query,
      key,
      value,
      batch,
      options: resolveOptions(options, heads, batch, outputShape),
      outputShape,
      caches,
    };
  }

  #checkWidths(inputs: { query: SharedFloats; key: SharedFloats; value: SharedFloats }): void {
    for (const name of ['query', 'key', 'value'] as const) {
      const width = this.#weights[name].inputs;
      const { shape } = inputs[name];
      if (shape.at(-1) !== width) {
        throw expected(
          'INVALID_SHAPE',
          `a last axis of ${width}, as the weights have`,
          name,
          formatShape(shape),
        );
      }
    }
  }

  #batchOf(
    query: ReturnType<typeof rowsOf>,
    key: ReturnType<typeof rowsOf>,
    options: AttentionOptions,
    isSelf: boolean,
  ): Batch {
    const lengths = lengthsOf(options);
    if (lengths.offsets !== undefined) {
      return raggedBatch(query.batch * query.tokens, key.batch * key.tokens, lengths, isSelf);
    }
    if (key.batch !== query.batch) {
      throw expected('INVALID_SHAPE', `batch ${query.batch}, as query has`, 'key', `batch ${key.batch}`);
    }
    return denseBatch(query.batch, query.tokens, key.tokens, lengths);
  }

  /**
   * Keys and values of tokens that calls with the option `cache` have seen, so that later calls need only the new ones.
   * @throws INVALID_OPTION, UNKNOWN_OPTION, MEMORY_LIMIT, ENGINE_CLOSED
   */
  createCache(options: CacheOptions): KeyValueCache {
    if (this.#isDisposed) throw new HeadpoolError('ENGINE_CLOSED', 'The layer was disposed before the call');
    return this.#runtime.createCache(resolveCacheOptions(options));
  }

  /**
   * Why one weight of a call is what it is, in float64 on this thread: O(keys · headDim · modelDim).
   * @throws as `forward` does for its arguments; INVALID_OPTION naming `batch`, `head`, `query` or `key` where there is
   * none of that index, or `cache`
   */
  explain(input: TensorLike | CrossInputs, at: WeightIndex, options: AttentionOptions = {}): Explanation {
    checkOptionNames(options);
    return explainLayer(this.#weights, this.describe(input, { ...this.#defaults, ...options }), at);
  }

  /** Gives the packed weights back; open calls finish first. Further calls reject with ENGINE_CLOSED. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const inputNames = ['query', 'key', 'value'] as const satisfies readonly (keyof CrossInputs)[];

/** Self-attention as a special case of cross-attention. @throws INVALID_SHAPE, UNKNOWN_OPTION */
function crossInputs(input: TensorLike | CrossInputs): CrossInputs {
  if (typeof input !== 'object' || (input as unknown) === null) {
    throw expected('INVALID_SHAPE', 'a tensor { shape, data } or { query, key, value? }', 'query', input);
  }
  if (!('query' in input)) return { query: input, key: input };
  checkNames('input', input, inputNames);
  return input;
}
