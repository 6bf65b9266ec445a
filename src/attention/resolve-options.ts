// What the options of a call resolve to for its heads and its batch: checked, with every default filled in.
import { expected } from '../core/errors.js';
import { broadcastStrides, formatShape, isSameShape, type Shape } from '../core/tensor/shape.js';
import type { Tensor } from '../core/tensor/tensor.js';
import type { Strided } from '../core/protocol/strided.js';
import { checkNames } from './check-names.js';
import { resolveDiagonal } from './diagonal.js';
import type { AttentionOptions, ScoresToReturn } from './options.js';
import type { Batch } from './batch.js';
import type { ResolvedOptions } from './resolved-options.js';
import type { Heads } from '../core/protocol/layout.js';
import { resolveNorm, resolveRotary } from './rotary.js';
import { shareFloats, shareMask, shareNumbers } from './share-operands.js';

/**
 * Checks the options against the heads and the batch, and fills in the defaults.
 * @throws INVALID_OPTION, INVALID_SHAPE, UNKNOWN_OPTION
 */
export function resolveOptions(
  options: AttentionOptions,
  { heads, headDim }: Heads,
  batch: Batch,
  outputShape: Shape,
): ResolvedOptions {
  checkGroups(options);
  const { scale = 1 / Math.sqrt(headDim), softcap, mask, bias, rope, qkNorm, signal, out } = options;
  if (!Number.isFinite(asFloat32(scale))) {
    throw expected('INVALID_OPTION', 'a finite float32 number', 'scale', scale);
  }
  // Kernels divide by it, and the reciprocal of less is infinite.
  if (softcap !== undefined && !(asFloat32(softcap) >= 2 ** -126 && asFloat32(softcap) < Infinity)) {
    const what = 'a number > 0 in the range of float32 (1.2e-38 to 3.4e38)';
    throw expected('INVALID_OPTION', what, 'softcap', softcap);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected('INVALID_OPTION', 'an AbortSignal', 'signal', signal);
  }
  const { left, right, diagonalOf } = resolveDiagonal(options, batch);
  return {
    rules: {
      scale,
      softcap: softcap ?? 0,
      alibiSlopes: ofHeads('alibiSlopes', options.alibiSlopes, heads, 'finite'),
      bias: bias === undefined ? null : broadcast('bias', shareFloats('bias', bias), heads, batch),
      mask: mask === undefined ? null : broadcast('mask', shareMask('mask', mask), heads, batch),
      left,
      right,
      sinks: ofHeads('sinks', options.sinks, heads, 'below Infinity'),
      headScale: ofHeads('headScale', options.headScale, heads, 'finite'),
    },
    diagonalOf,
    rope: rope === undefined ? null : resolveRotary(rope, headDim, batch),
    qkNorm: qkNorm === undefined ? null : resolveNorm(qkNorm, headDim),
    ...resolveReturns(options, batch),
    signal,
    out: out === undefined ? undefined : checkOut(out, outputShape),
  };
}

/** The fields of the options that are objects; `?` = may be absent. */
const groups = {
  window: ['left?', 'right?'],
  rope: ['base', 'dims?', 'interleaved?', 'positions?'],
  qkNorm: ['q', 'k', 'epsilon?'],
} as const satisfies Partial<Record<keyof AttentionOptions, readonly string[]>>;

function checkGroups(options: AttentionOptions): void {
  for (const [name, fields] of Object.entries(groups)) {
    const group: unknown = options[name as keyof typeof groups];
    if (group === undefined) continue;
    // A list is an object too, and a pair is what other systems take for a window.
    if (typeof group !== 'object' || group === null || Symbol.iterator in group) {
      throw expected('INVALID_OPTION', `an object { ${fields.join(', ')} }`, name, group);
    }
    const names = fields.map((field) => field.replace('?', ''));
    checkNames(`option of \`${name}\``, group, names);
  }
}

/** As kernels hold it; NaN for what is no number. */
function asFloat32(value: unknown): number {
  return typeof value === 'number' ? Math.fround(value) : NaN;
}

type Returns = Pick<ResolvedOptions, 'returnWeights' | 'returnScores' | 'returnLogSumExp' | 'headStatistics'>;

const stages = ['scaled', 'softcapped', 'biased', 'probabilities'] as const satisfies ScoresToReturn[];

function resolveReturns(options: AttentionOptions, batch: Batch): Returns {
  const { returnWeights = false, returnScores, returnLogSumExp = false, headStatistics = false } = options;
  if (returnWeights !== 'mean' && typeof returnWeights !== 'boolean') {
    throw expected('INVALID_OPTION', "true, false or 'mean'", 'returnWeights', returnWeights);
  }
  if (returnScores !== undefined && !stages.includes(returnScores)) {
    const what = "'scaled', 'softcapped', 'biased' or 'probabilities'";
    throw expected('INVALID_OPTION', what, 'returnScores', returnScores);
  }
  if (returnWeights === 'mean' && returnScores === 'probabilities') {
    const what = "'scaled', 'softcapped' or 'biased' beside `returnWeights: 'mean'`";
    throw expected('INVALID_OPTION', what, 'returnScores', returnScores);
  }
  if (typeof returnLogSumExp !== 'boolean') {
    throw expected('INVALID_OPTION', 'true or false', 'returnLogSumExp', returnLogSumExp);
  }
  if (typeof headStatistics !== 'boolean') {
    throw expected('INVALID_OPTION', 'true or false', 'headStatistics', headStatistics);
  }
  if (batch.dense === undefined) {
    if (returnWeights !== false) throw refuseRagged('returnWeights', returnWeights, batch);
    if (returnScores !== undefined) throw refuseRagged('returnScores', returnScores, batch);
  }
  return {
    returnWeights: returnWeights === 'mean' ? 'mean' : returnWeights ? 'heads' : null,
    returnScores: returnScores ?? null,
    returnLogSumExp,
    headStatistics,
  };
}

/** Why there is no one number of keys. */
function unevenRows({ isCached, denseQueries }: Batch): string {
  return isCached && denseQueries !== undefined
    ? 'caches that roll or hold different numbers of tokens,'
    : 'a ragged batch, whose rows differ in length,';
}

function refuseRagged(name: string, value: unknown, batch: Batch): Error {
  const what = `no ${name === 'returnWeights' ? 'weights' : 'scores'} of ${unevenRows(batch)}`;
  return expected('INVALID_OPTION', what, name, value);
}

function ofHeads(
  name: 'alibiSlopes' | 'sinks' | 'headScale',
  given: ArrayLike<number> | undefined,
  heads: number,
  range: 'finite' | 'below Infinity',
): Strided<Float32Array<SharedArrayBuffer>> | null {
  if (given === undefined) return null;
  const data = shareNumbers(name, given, { count: heads, which: 'a head', range });
  return { data, offset: 0, entryStride: 0, headStride: 1, rowStride: 0, columnStride: 0 };
}

function broadcast<T>(
  name: string,
  { shape, data }: { readonly shape: Shape; readonly data: T },
  heads: number,
  batch: Batch,
): Strided<T> {
  const { dense } = batch;
  if (dense === undefined) {
    const what = `no \`${name}\` for ${unevenRows(batch)}`;
    throw expected('INVALID_OPTION', what, name, formatShape(shape));
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
  const [entryStride, headStride, rowStride, columnStride] = strides as [number, number, number, number];
  return { data, offset: 0, entryStride, headStride, rowStride, columnStride };
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
