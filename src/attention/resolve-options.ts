// What the options of a call resolve to for its heads and its batch: checked, with every default filled in.
import { expected } from '../core/errors.js';
import { ownSignal } from '../core/own-signal.js';
import {
  broadcastStrides,
  formatShape,
  isSameShape,
  unexpectedShape,
  type Shape,
} from '../core/tensor/shape.js';
import type { Heads } from '../core/protocol/layout.js';
import type { Strided } from '../core/protocol/strided.js';
import type { Batch } from './batch.js';
import { resolveDiagonal } from './diagonal.js';
import { formatChoices } from './option-kinds.js';
import { checkOptions, defaultOf, optionRows, type PathOfKind } from './option-rows.js';
import { scoreStages, type AttentionOptions } from './options.js';
import type { CallRules, ResolvedOptions } from './resolved-options.js';
import { resolveNorm, resolveRotary } from './rotary.js';
import { shareFloats, shareMask, shareNumbers, takeFloats } from './share-operands.js';

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
  checkOptions(options);
  const { mask, bias, rope, qkNorm, signal, timeoutMs, priority = 'interactive', out } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected('INVALID_OPTION', 'an AbortSignal', 'signal', signal);
  }
  const { left, right, diagonalOf } = resolveDiagonal(options, batch);
  return {
    rules: {
      // Not a spread first: V8 is 10 times as slow to add fields to a copy.
      left,
      right,
      ...resolveNumbers(options, { heads, headDim }),
      mask: mask === undefined ? null : broadcast('mask', shareMask('mask', mask), heads, batch),
      bias: bias === undefined ? null : broadcast('bias', shareFloats('bias', bias), heads, batch),
    },
    diagonalOf,
    rope: rope === undefined ? null : resolveRotary(rope, headDim, batch),
    qkNorm: qkNorm === undefined ? null : resolveNorm(qkNorm, headDim),
    ...resolveReturns(options, batch),
    signal: signal && ownSignal(signal),
    timeoutMs,
    priority,
    out: out === undefined ? undefined : checkOut(out, outputShape),
  };
}

type Numbers = Pick<CallRules, PathOfKind<'float32' | 'positive float32' | 'numbers a head'>>;

const scalarRows = optionRows.filter(({ kind }) => kind === 'float32' || kind === 'positive float32');
const headRows = optionRows.filter(({ kind }) => kind === 'numbers a head');

/** The options that are a number, and those that are a number a head, in shared memory. */
function resolveNumbers(
  options: AttentionOptions,
  { heads, headDim }: Pick<Heads, 'heads' | 'headDim'>,
): Numbers {
  const numbers: Record<string, unknown> = {};
  for (const row of scalarRows) {
    numbers[row.name] = options[row.name] ?? defaultOf(row, headDim) ?? row.none;
  }
  for (const { name, range = 'finite' } of headRows) {
    const given = options[name] as ArrayLike<number> | undefined;
    const list = { count: heads, which: 'a head', range } as const;
    numbers[name] = given === undefined ? null : ofHeads(shareNumbers(name, given, list));
  }
  return numbers as unknown as Numbers;
}

function ofHeads<T>(data: T): Strided<T> {
  return { data, offset: 0, entryStride: 0, headStride: 1, rowStride: 0, columnStride: 0 };
}

type Returns = Pick<ResolvedOptions, 'returnWeights' | 'returnScores' | 'returnLogSumExp' | 'headStatistics'>;

function resolveReturns(options: AttentionOptions, batch: Batch): Returns {
  const { returnWeights = false, returnScores, returnLogSumExp = false, headStatistics = false } = options;
  if (returnWeights === 'mean' && returnScores === 'probabilities') {
    const others = formatChoices(scoreStages.filter((stage) => stage !== 'probabilities'));
    throw expected(
      'INVALID_OPTION',
      `${others} beside \`returnWeights: 'mean'\``,
      'returnScores',
      returnScores,
    );
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

function broadcast<T>(
  name: string,
  { shape, data }: { readonly shape: Shape; readonly data: T },
  heads: number,
  batch: Batch,
): Strided<T> {
  const { dense } = batch;
  if (dense === undefined) {
    const what = `no \`${name}\` for ${unevenRows(batch)}`;
    throw unexpectedShape('INVALID_OPTION', what, name, shape);
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

function checkOut(given: unknown, shape: Shape): NonNullable<ResolvedOptions['out']> {
  const out = takeFloats('out', given);
  if (isSameShape(out.shape, shape)) return out;
  throw expected('INVALID_SHAPE', `shape ${formatShape(shape)}`, 'out.shape', out.shape);
}
