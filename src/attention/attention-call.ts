// Attention alone: reads what the shapes of q, k and v say about heads and sequences.
import { expected } from '../core/errors.js';
import { formatShape, unexpectedShape, type Shape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import { denseBatch, lengthsOf, raggedBatch } from './batch.js';
import type { AttentionOptions } from './options.js';
import type { Batch } from './batch.js';
import type { ResolvedOptions } from './resolved-options.js';
import type { Heads } from '../core/protocol/layout.js';
import { readOptions } from './read-options.js';
import { resolveOptions } from './resolve-options.js';
import { shareFloats, type SharedFloats } from './share-operands.js';

/** Projected heads and the options of the attention over them. */
export interface AttentionInputs extends AttentionOptions {
  /** [batch, heads, queries, headDim]; or [batch, queries, heads · headDim], or the same without batch. */
  readonly q: TensorLike;
  /** Like q, with kvHeads for heads and keys for queries. */
  readonly k: TensorLike;
  /** Like k, with valueDim for headDim. */
  readonly v: TensorLike;
  /** How many heads lie side by side in tensors of rank 3 and 2; rank 4 says it itself. */
  readonly heads?: number;
  /** Default `heads`. */
  readonly kvHeads?: number;
}

/** One checked call. */
export interface AttentionCall {
  readonly query: SharedFloats;
  readonly key: SharedFloats;
  readonly value: SharedFloats;
  readonly heads: Heads;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
  readonly outputShape: Shape;
  /** Whether heads come before tokens, as in rank 4. */
  readonly isBatchMajor: boolean;
}

/** The inputs of a call as they are when it is made. @throws INVALID_OPTION, UNKNOWN_OPTION */
export function readInputs(inputs: AttentionInputs): AttentionInputs {
  return readOptions(inputs, ['q', 'k', 'v', 'heads', 'kvHeads']);
}

/** @param inputs as `readInputs` gives them @throws INVALID_SHAPE, INVALID_OPTION */
export function describeAttention(inputs: AttentionInputs): AttentionCall {
  if (inputs.cache !== undefined) {
    throw expected(
      'INVALID_OPTION',
      'a call of `layer.forward`, whose layer makes caches,',
      'cache',
      inputs.cache,
    );
  }
  const query = shareFloats('q', inputs.q);
  const key = shareFloats('k', inputs.k);
  const value = shareFloats('v', inputs.v);
  const rank = query.shape.length;
  if (rank < 2 || rank > 4) throw unexpectedShape('INVALID_SHAPE', 'rank 2, 3 or 4', 'q', query.shape);
  for (const [name, { shape }] of [
    ['k', key],
    ['v', value],
  ] as const) {
    if (shape.length !== rank) throw unexpectedShape('INVALID_SHAPE', `rank ${rank}, as q has`, name, shape);
  }
  const q = axesOf('q', query.shape, { heads: inputs.heads });
  const kvHeads = inputs.kvHeads ?? inputs.heads;
  const k = axesOf('k', key.shape, { kvHeads });
  const v = axesOf('v', value.shape, { kvHeads });
  checkFit(q, k, v);

  const heads = { heads: q.heads, kvHeads: k.heads, headDim: q.dims, valueDim: v.dims };
  const batch = batchOf(inputs, q, k, rank);
  const width = q.heads * v.dims;
  const outputShape =
    rank === 4 ? [q.batch, q.heads, q.tokens, v.dims] : [...query.shape.slice(0, -1), width];
  const options = resolveOptions(inputs, heads, batch, outputShape);
  return { query, key, value, heads, batch, options, outputShape, isBatchMajor: rank === 4 };
}

interface Axes {
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly dims: number;
}

/** The axes of a tensor; `given` is the option that counts its heads. */
function axesOf(name: string, shape: Shape, given: Readonly<Record<string, number | undefined>>): Axes {
  const [option, heads] = Object.entries(given)[0]!;
  if (shape.length === 4) {
    const [batch, count, tokens, dims] = shape as readonly [number, number, number, number];
    if (heads !== undefined && heads !== count) {
      throw expected('INVALID_OPTION', `${count}, the heads of ${name} ${formatShape(shape)}`, option, heads);
    }
    return { batch, heads: atLeastOne(name, shape, count), tokens, dims: atLeastOne(name, shape, dims) };
  }
  if (!Number.isInteger(heads) || heads! < 1) {
    throw expected('INVALID_OPTION', `an integer >= 1 for tensors of rank ${shape.length}`, option, heads);
  }
  const width = shape.at(-1)!;
  if (width % heads! !== 0) {
    throw expected('INVALID_OPTION', `a divisor of the width ${width} of ${name}`, option, heads);
  }
  const [batch, tokens] = shape.length === 3 ? [shape[0]!, shape[1]!] : [1, shape[0]!];
  return { batch, heads: heads!, tokens, dims: atLeastOne(name, shape, width / heads!) };
}

function atLeastOne(name: string, shape: Shape, length: number): number {
  if (length >= 1) return length;
  throw unexpectedShape('INVALID_SHAPE', 'at least one head of at least one number', name, shape);
}

function checkFit(q: Axes, k: Axes, v: Axes): void {
  if (k.dims !== q.dims)
    throw expected('INVALID_SHAPE', `headDim ${q.dims}, as q has`, 'k', `headDim ${k.dims}`);
  if (v.heads !== k.heads)
    throw expected('INVALID_SHAPE', `${k.heads} heads, as k has`, 'v', `${v.heads} heads`);
  if (v.tokens !== k.tokens)
    throw expected('INVALID_SHAPE', `${k.tokens} tokens, as k has`, 'v', `${v.tokens} tokens`);
  if (q.heads % k.heads !== 0) {
    throw expected('INVALID_OPTION', `a divisor of heads (${q.heads})`, 'kvHeads', k.heads);
  }
  for (const [name, { batch }] of [
    ['k', k],
    ['v', v],
  ] as const) {
    if (batch !== q.batch)
      throw expected('INVALID_SHAPE', `batch ${q.batch}, as q has`, name, `batch ${batch}`);
  }
}

function batchOf(inputs: AttentionInputs, q: Axes, k: Axes, rank: number): Batch {
  const lengths = lengthsOf(inputs);
  if (lengths.offsets === undefined) return denseBatch(q.batch, q.tokens, k.tokens, lengths);
  if (rank !== 2) {
    throw expected(
      'INVALID_OPTION',
      'tensors [totalTokens, heads · headDim] beside it',
      'offsets',
      `rank ${rank}`,
    );
  }
  return raggedBatch(q.tokens, k.tokens, lengths, q.tokens === k.tokens);
}
