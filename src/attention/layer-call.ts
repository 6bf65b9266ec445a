// One call of a layer, checked: its inputs, its batch and what its options resolve to. Nothing is computed here.
import { expected } from '../core/errors.js';
import { readObject } from '../core/read-object.js';
import { formatShape, unexpectedShape, type Shape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import { denseBatch, lengthsOf, raggedBatch, rowsOf, type Batch } from './batch.js';
import type { KeyValueCache } from './cache.js';
import { behindCaches, cachesOf } from './cached-batch.js';
import type { AttentionOptions } from './options.js';
import { resolveOptions } from './resolve-options.js';
import type { ResolvedOptions } from './resolved-options.js';
import { shareFloats, type SharedFloats } from './share-operands.js';
import type { ResolvedWeights } from './weights.js';

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

/**
 * Checks a call of the layer that `weights` make.
 * @param options as `readOptions` gives them
 * @param owner what the caches of the call must belong to
 * @throws INVALID_SHAPE, INVALID_OPTION, UNKNOWN_OPTION; ENGINE_CLOSED for a disposed cache
 */
export function describeLayerCall(
  weights: ResolvedWeights,
  input: TensorLike | CrossInputs,
  options: AttentionOptions,
  owner: object,
): LayerCall {
  const inputs = crossInputs(input);
  const query = shareFloats('query', inputs.query);
  const key = inputs.key === inputs.query ? query : shareFloats('key', inputs.key);
  const value = inputs.value === undefined ? key : shareFloats('value', inputs.value);
  checkWidths(weights, { query, key, value });

  const queryRows = rowsOf('query', query.shape);
  const keyRows = rowsOf('key', key.shape);
  const valueRows = rowsOf('value', value.shape);
  if (valueRows.batch !== keyRows.batch || valueRows.tokens !== keyRows.tokens) {
    throw unexpectedShape(
      'INVALID_SHAPE',
      `the tokens of key ${formatShape(key.shape)}`,
      'value',
      value.shape,
    );
  }
  if (options.offsets !== undefined && (query.shape.length !== 2 || key.shape.length !== 2)) {
    const what = 'shape [totalTokens, width] beside `offsets`';
    const [name, { shape }] = query.shape.length === 2 ? ['key', key] : ['query', query];
    throw unexpectedShape('INVALID_OPTION', what, name, shape);
  }
  const caches = cachesOf(options.cache, owner);
  if (caches.length > 0 && (query !== key || value !== key)) {
    throw expected('INVALID_OPTION', 'no `key` and `value` beside `cache`', 'cache', options.cache);
  }
  const rows = batchOf(queryRows, keyRows, options, query === key);
  const batch = caches.length > 0 ? behindCaches(rows, caches, options) : rows;
  const outputShape = [...query.shape.slice(0, -1), weights.output.outputs];
  return {
    query,
    key,
    value,
    batch,
    options: resolveOptions(options, weights, batch, outputShape),
    outputShape,
    caches,
  };
}

function checkWidths(
  weights: ResolvedWeights,
  inputs: { query: SharedFloats; key: SharedFloats; value: SharedFloats },
): void {
  for (const name of ['query', 'key', 'value'] as const) {
    const width = weights[name].inputs;
    const { shape } = inputs[name];
    if (shape.at(-1) !== width) {
      throw unexpectedShape('INVALID_SHAPE', `a last axis of ${width}, as the weights have`, name, shape);
    }
  }
}

function batchOf(
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

const inputNames = ['query', 'key', 'value'] as const satisfies readonly (keyof CrossInputs)[];

/** Self-attention as a special case of cross-attention. @throws INVALID_SHAPE, UNKNOWN_OPTION */
function crossInputs(input: TensorLike | CrossInputs): CrossInputs {
  if (typeof input !== 'object' || (input as unknown) === null) {
    throw expected('INVALID_SHAPE', 'a tensor { shape, data } or { query, key, value? }', 'query', input);
  }
  if (!('query' in input)) return { query: input, key: input };
  return readObject(input, { name: 'query', kind: 'input', fields: inputNames });
}
