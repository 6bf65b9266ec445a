// The options of an attention call: their names and types, and what they resolve to for a given batch.
import { expected, HeadpoolError } from '../errors.js';
import { didYouMean } from '../suggest.js';
import { broadcastStrides, formatShape, isSameShape, type Shape } from '../tensor/shape.js';
import type { Tensor, TensorLike } from '../tensor/tensor.js';
import type { Lengths } from './batch.js';
import type { Batch, BroadcastOperand, Entry, Heads, ResolvedOptions } from './problem.js';
import { shareFloats, shareMask, type MaskLike } from './shared.js';

/** Everything that can be asked of an attention. Absent means the default. */
export interface AttentionOptions {
  /**
   * Query i attends keys up to i + offset. 'top-left': offset 0; 'bottom-right': valid keys - queries. `true` is taken
   * where both agree (as many keys as queries), else it is an error that asks which. Default: every key.
   */
  readonly causal?: boolean | 'top-left' | 'bottom-right';
  /** true = attend; broadcast from the right to [batch, heads, queries, keys]. */
  readonly mask?: MaskLike;
  /** Added to the scaled scores; -Infinity leaves the key out; broadcast like `mask`. */
  readonly bias?: TensorLike;
  /** Valid keys of each batch entry, 0 … keys; the rest is padding. */
  readonly keyLengths?: readonly number[];
  /** Row offsets [n + 1] of a ragged batch given as [totalTokens, width]. */
  readonly offsets?: readonly number[];
  /** The same of the keys, where keys are other tokens than queries. */
  readonly keyOffsets?: readonly number[];
  /** Factor of q·k, any finite number; default 1 / √headDim. */
  readonly scale?: number;
  /** true: weights [batch, heads, queries, keys]; 'mean': their mean over the heads [batch, queries, keys]. */
  readonly returnWeights?: boolean | 'mean';
  /** Natural logarithm of the softmax denominators: [batch, heads, queries], ragged [heads, totalTokens]. */
  readonly returnLogSumExp?: boolean;
  /** Cancels the call: it rejects with the signal's reason once no worker touches its buffers any more. */
  readonly signal?: AbortSignal;
  /** The tensor to write the output into; it must not overlap an input. */
  readonly out?: Tensor;
}

const optionNames = [
  'causal',
  'mask',
  'bias',
  'keyLengths',
  'offsets',
  'keyOffsets',
  'scale',
  'returnWeights',
  'returnLogSumExp',
  'signal',
  'out',
] as const satisfies readonly (keyof AttentionOptions)[];

/** Options of the design that no kernel computes yet. */
export const plannedOptions = [
  'window',
  'softcap',
  'alibiSlopes',
  'sinks',
  'headScale',
  'rope',
  'qkNorm',
  'returnScores',
  'headStatistics',
  'cache',
] as const;

/** Rejects names that are no option. @throws UNKNOWN_OPTION, naming the nearest; INVALID_OPTION if it is no object. */
export function checkOptionNames(options: object, others: readonly string[] = []): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw expected('INVALID_OPTION', 'an object', 'options', options);
  }
  checkNames('option', options, [...optionNames, ...others]);
}

/** Rejects names that are none of `known`; `kind` says what they name. @throws UNKNOWN_OPTION, naming the nearest. */
export function checkNames(kind: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const isPlanned = (plannedOptions as readonly string[]).includes(name);
    const hint = isPlanned ? '; it is planned but no kernel computes it yet' : didYouMean(name, known);
    throw new HeadpoolError('UNKNOWN_OPTION', `Unknown ${kind} \`${name}\`${hint}`);
  }
}

/** The part of the options that decides which rows are sequences. */
export function lengthsOf({ keyLengths, offsets, keyOffsets }: AttentionOptions): Lengths {
  return { keyLengths, offsets, keyOffsets };
}

/**
 * Checks the options against the heads and the batch, and fills in the defaults.
 * @throws INVALID_OPTION, INVALID_SHAPE
 */
export function resolveOptions(
  options: AttentionOptions,
  { heads, headDim }: Heads,
  batch: Batch,
  outputShape: Shape,
): ResolvedOptions {
  const {
    scale = 1 / Math.sqrt(headDim),
    returnWeights = false,
    returnLogSumExp = false,
    signal,
    out,
  } = options;
  if (typeof scale !== 'number' || !Number.isFinite(scale)) {
    throw expected('INVALID_OPTION', 'a finite number', 'scale', scale);
  }
  if (returnWeights !== 'mean' && typeof returnWeights !== 'boolean') {
    throw expected('INVALID_OPTION', "true, false or 'mean'", 'returnWeights', returnWeights);
  }
  if (typeof returnLogSumExp !== 'boolean') {
    throw expected('INVALID_OPTION', 'true or false', 'returnLogSumExp', returnLogSumExp);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected('INVALID_OPTION', 'an AbortSignal', 'signal', signal);
  }
  if (batch.dense === undefined && returnWeights !== false) {
    throw expected(
      'INVALID_OPTION',
      'no weights of a ragged batch, whose rows differ in length',
      'returnWeights',
      returnWeights,
    );
  }
  const { right, diagonalOf } = resolveCausal(options.causal, batch);
  return {
    scale,
    left: Infinity,
    right,
    diagonalOf,
    mask:
      options.mask === undefined ? null : broadcast('mask', shareMask('mask', options.mask), heads, batch),
    bias:
      options.bias === undefined ? null : broadcast('bias', shareFloats('bias', options.bias), heads, batch),
    returnWeights: returnWeights === false ? null : returnWeights === 'mean' ? 'mean' : 'heads',
    returnLogSumExp,
    signal,
    out: out === undefined ? undefined : checkOut(out, outputShape),
  };
}

function resolveCausal(
  causal: AttentionOptions['causal'],
  batch: Batch,
): { readonly right: number; readonly diagonalOf: (entry: Entry) => number } {
  const topLeft = (): number => 0;
  const bottomRight = ({ keys, queries }: Entry): number => keys - queries;
  switch (causal) {
    case undefined:
    case false:
      return { right: Infinity, diagonalOf: topLeft };
    case 'top-left':
      return { right: 0, diagonalOf: topLeft };
    case 'bottom-right':
      return { right: 0, diagonalOf: bottomRight };
    case true: {
      const odd = batch.entries.find(({ keys, queries }) => keys !== queries);
      if (odd === undefined) return { right: 0, diagonalOf: topLeft };
      const lengths = `${odd.queries} queries on ${odd.keys} keys`;
      throw expected(
        'INVALID_OPTION',
        `'top-left' or 'bottom-right' where they differ (${lengths})`,
        'causal',
        causal,
      );
    }
    default:
      throw expected(
        'INVALID_OPTION',
        "true, false, 'top-left' or 'bottom-right'",
        'causal',
        causal satisfies never,
      );
  }
}

function broadcast<T>(
  name: string,
  { shape, data }: { readonly shape: Shape; readonly data: T },
  heads: number,
  { dense }: Batch,
): BroadcastOperand<T> {
  if (dense === undefined) {
    throw expected(
      'INVALID_OPTION',
      `no \`${name}\` for a ragged batch, whose rows differ in length`,
      name,
      formatShape(shape),
    );
  }
  const target = [dense.batch, heads, dense.queries, dense.keys];
  const strides = broadcastStrides(shape, target);
  if (strides === undefined) {
    throw expected(
      'INVALID_SHAPE',
      `a shape that broadcasts from the right to ${formatShape(target)}`,
      `${name}.shape`,
      shape,
    );
  }
  return { data, strides: strides as [number, number, number, number] };
}

function checkOut(out: Tensor, shape: Shape): NonNullable<ResolvedOptions['out']> {
  const { data } = shareFloats('out', out);
  if (data !== out.data) {
    throw expected('INVALID_SHAPE', 'a Float32Array on a SharedArrayBuffer', 'out.data', out.data);
  }
  if (!isSameShape(out.shape, shape)) {
    throw expected('INVALID_SHAPE', `shape ${formatShape(shape)}`, 'out.shape', out.shape);
  }
  return { data, shape: out.shape };
}
