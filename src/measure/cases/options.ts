// Options of an attention that have a price, by the names that they have in a grid: what the axis `options` can hold.
import { alibiSlopes } from '../../attention/alibi.js';
import type { AttentionOptions } from '../../attention/options.js';
import type { MaskLike } from '../../attention/share-operands.js';
import { fillRepeating, normalTensor } from './inputs.js';

/** The axes of a call's scores, and the width of its heads. */
export interface OptionShape {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
}

/** Seeded: the same shape gives the same numbers. */
export const optionCases = {
  none: () => ({}),
  softcap: () => ({ softcap: 50 }),
  sinks: ({ heads }) => ({ sinks: normalTensor([heads], 4).data }),
  alibi: ({ heads }) => ({ alibiSlopes: alibiSlopes(heads) }),
  'window-of-all': ({ keys }) => ({ window: { left: keys - 1, right: keys - 1 } }),
  'window-left-half': ({ keys }) => ({ window: { left: keys >> 1 } }),
  'mask-1-1-T-T': ({ queries, keys }) => ({ mask: randomMask([1, 1, queries, keys], 0.9) }),
  'mask-H-T-T': ({ heads, queries, keys }) => ({ mask: randomMask([heads, queries, keys], 0.5) }),
  'mask-1-1-1-T': ({ keys }) => ({ mask: paddingMask(keys) }),
  'lengths-T': ({ batch, keys }) => ({ keyLengths: new Array<number>(batch).fill(keys) }),
  'lengths-padded': ({ batch, keys }) => ({ keyLengths: new Array<number>(batch).fill(unpadded(keys)) }),
  'bias-1-H-T-T': ({ heads, queries, keys }) => ({ bias: normalTensor([1, heads, queries, keys], 5) }),
  'head-statistics': () => ({ headStatistics: true }),
  'log-sum-exp': () => ({ returnLogSumExp: true }),
  weights: () => ({ returnWeights: true }),
  rope: () => ({ rope: { base: 10_000 } }),
  'qk-norm': ({ headDim }) => ({
    qkNorm: { q: normalTensor([headDim], 6).data, k: normalTensor([headDim], 7).data },
  }),
  'half-of-heads': ({ heads }) => ({ headScale: Array.from({ length: heads }, (_, head) => (head + 1) % 2) }),
} as const satisfies Record<string, (shape: OptionShape) => AttentionOptions>;

export type OptionName = keyof typeof optionCases;
export const optionNames = Object.keys(optionCases) as [OptionName, ...OptionName[]];

/** Bytes of the operand or the result that is as large as the scores, of options that have one. */
export const scoreBytes: Readonly<Partial<Record<OptionName, (shape: OptionShape) => number>>> = {
  'mask-1-1-T-T': ({ queries, keys }) => queries * keys,
  'mask-H-T-T': ({ heads, queries, keys }) => heads * queries * keys,
  'bias-1-H-T-T': ({ heads, queries, keys }) => 4 * heads * queries * keys,
  weights: ({ batch, heads, queries, keys }) => 4 * batch * heads * queries * keys,
};

/** A cache knows how many keys it holds, so these can't be asked beside one. */
export const isForCaches = (name: OptionName): boolean => name !== 'lengths-T' && name !== 'lengths-padded';

/** These say which keys are near enough, as the axis `window` does. */
export const isWindow = (name: OptionName): boolean => name.startsWith('window-');

const padding = 100;

function unpadded(keys: number): number {
  return Math.max(1, keys - padding);
}

function paddingMask(keys: number): MaskLike {
  const data = new Uint8Array(new SharedArrayBuffer(keys));
  return { shape: [1, 1, 1, keys], data: data.fill(1, 0, unpadded(keys)) };
}

/** In shared memory, where calls read it in place. */
function randomMask(shape: readonly number[], shareOfTrue: number): MaskLike {
  const data = new Uint8Array(new SharedArrayBuffer(shape.reduce((product, axis) => product * axis, 1)));
  fillRepeating(data, 8, (random) => (random.uniform() < shareOfTrue ? 1 : 0));
  return { shape, data };
}
