// Explains the weight of one key for one query and head: checks what is asked, finds the rows in the caller's operands
// and leaves the arithmetic to explain-row.ts. Float64 on the calling thread; no engine takes part.
import { expected, HeadpoolError } from '../core/errors.js';
import { checkNames } from '../core/suggest.js';
import { describeAttention, readInputs, type AttentionInputs } from './attention-call.js';
import {
  checkIndex,
  explainKey,
  explainRow,
  type ExplainedRow,
  type Explanation,
  type RowSource,
} from './explain-row.js';
import type { RowPlace } from './explain-rules.js';
import { normalise, projectHead, turn } from './explain-vectors.js';
import type { Batch } from './batch.js';
import type { ResolvedOptions } from './resolved-options.js';
import type { Heads } from '../core/protocol/layout.js';
import type { SharedFloats } from './share-operands.js';
import type { ResolvedWeights } from './weights.js';

/** Which row to explain. */
export interface RowIndex {
  /** The batch entry, or the sequence of a ragged batch; default 0. */
  readonly batch?: number;
  readonly head: number;
  /** Counted from the start of its sequence, like `key`. */
  readonly query: number;
}

/** Which weight to explain. */
export interface WeightIndex extends RowIndex {
  /** The extra keys of a layer (bias_k, add_zero_attn) follow all others, as in the returned weights. */
  readonly key: number;
}

/** The rows that a call of a layer projects, and its options. */
export interface LayerRows {
  readonly query: SharedFloats;
  readonly key: SharedFloats;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
}

/**
 * The chain from the score of one key to its weight, in float64. All keys of the row are scored: O(keys · headDim).
 * @param inputs as `engine.attention` takes them; what asks for results (returnWeights, out, …) is checked only
 * @throws INVALID_SHAPE, INVALID_OPTION, UNKNOWN_OPTION as the call would; INVALID_OPTION naming `batch`, `head`,
 * `query` or `key` where there is none of that index
 */
export function explainAttention(inputs: AttentionInputs, at: WeightIndex): Explanation {
  const { query, key, heads: shape, batch, options, isBatchMajor } = describeAttention(readInputs(inputs));
  const place = placeOf(at, shape, batch, options);
  const { queryRow, keyRow } = batch.entries[place.batch]!;
  const { heads, kvHeads, headDim } = shape;
  const tokens = isBatchMajor ? batch.dense : undefined;
  const queries = { tensor: query, heads, head: place.head, firstRow: queryRow, tokens: tokens?.queries };
  const keys = { tensor: key, heads: kvHeads, head: place.kvHead, firstRow: keyRow, tokens: tokens?.keys };
  const row = explainRow(
    prepareRow({
      place,
      batch,
      options,
      extraKeys: [],
      query: vectorOf(queries, place.query, headDim),
      keyAt: (j) => vectorOf(keys, j, headDim),
    }),
  );
  return explainKey(row, at.key);
}

/**
 * The same for a layer, which projects the row and its keys first: O(keys · headDim · modelDim).
 * @throws INVALID_OPTION naming `batch`, `head`, `query` or `key` where there is none of that index, or `cache`: only
 * keys that the call itself gives can be explained
 */
export function explainLayer(weights: ResolvedWeights, call: LayerRows, at: WeightIndex): Explanation {
  return explainKey(explainLayerRow(weights, call, at), at.key);
}

/** All keys of one row of a layer. @throws INVALID_OPTION naming `batch`, `head`, `query` or `cache` */
export function explainLayerRow(weights: ResolvedWeights, call: LayerRows, at: RowIndex): ExplainedRow {
  const { query, key, batch, options } = call;
  // What a cache holds is normalised, turned and maybe rounded already, and in the engine's memory.
  if (batch.isCached) {
    throw new HeadpoolError('INVALID_OPTION', 'Expected no `cache` where a weight is to be explained');
  }
  const { headDim, extraKeys: extraCount, extraKey } = weights;
  const place = placeOf(at, weights, batch, options);
  const { queryRow, keyRow } = batch.entries[place.batch]!;
  const rowOf = ({ data, shape }: SharedFloats, row: number): Float32Array => {
    const width = shape.at(-1)!;
    return data.subarray(row * width, (row + 1) * width);
  };
  return explainRow(
    prepareRow({
      place,
      batch,
      options,
      query: projectHead(weights.query, rowOf(query, queryRow + place.query), place.head, headDim),
      keyAt: (j) => projectHead(weights.key, rowOf(key, keyRow + j), place.kvHead, headDim),
      extraKeys: Array.from({ length: extraCount }, (_, n) => {
        const start = (place.kvHead * extraCount + n) * headDim;
        return Float64Array.from(extraKey!.subarray(start, start + headDim));
      }),
    }),
  );
}

interface HeadOperand {
  readonly tensor: SharedFloats;
  readonly heads: number;
  readonly head: number;
  /** The row of the tensor's token 0 of the entry, counting the tokens of the entries in front. */
  readonly firstRow: number;
  /** Of an entry, in tensors [batch, heads, tokens, dims]; undefined where the heads of a token lie side by side. */
  readonly tokens: number | undefined;
}

function vectorOf(
  { tensor, heads, head, firstRow, tokens }: HeadOperand,
  token: number,
  dims: number,
): Float64Array {
  const index =
    tokens === undefined ? (firstRow + token) * heads + head : firstRow * heads + head * tokens + token;
  return Float64Array.from(tensor.data.subarray(index * dims, (index + 1) * dims));
}

/** The same row with qkNorm and rope in front. Extra keys stay as they are: they are no tokens and have no position. */
export function prepareRow(source: RowSource): RowSource {
  const { batch, options, place } = source;
  const { qkNorm, rope } = options;
  const { queryRow, keyRow } = batch.entries[place.batch]!;
  const apply = (x: Float64Array, weight: ArrayLike<number> | undefined, position: number): Float64Array => {
    const normalised = weight === undefined ? x : normalise(x, weight, qkNorm!.epsilon);
    return rope === null ? normalised : turn(normalised, position, rope);
  };
  const positions = rope?.positions;
  return {
    ...source,
    query: apply(source.query, qkNorm?.query, positions?.[queryRow + place.query] ?? place.position),
    keyAt: (j) => apply(source.keyAt(j), qkNorm?.key, positions?.[keyRow + j] ?? j),
  };
}

/** @throws INVALID_OPTION, UNKNOWN_OPTION */
function placeOf(
  at: RowIndex,
  { heads, kvHeads }: Heads,
  { entries }: Batch,
  { diagonalOf }: ResolvedOptions,
): RowPlace {
  if (typeof at !== 'object' || (at as unknown) === null) {
    throw expected('INVALID_OPTION', 'an object { batch?, head, query, key }', 'at', at);
  }
  checkNames('index', at, ['batch', 'head', 'query', 'key']);
  const { batch = 0, head, query } = at;
  checkIndex('batch', batch, entries.length);
  checkIndex('head', head, heads);
  const entry = entries[batch]!;
  checkIndex('query', query, entry.queries);
  const kvHead = Math.floor(head / (heads / kvHeads));
  return { batch, head, kvHead, query, position: query + diagonalOf(entry) };
}
