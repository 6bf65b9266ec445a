// The options of an attention that have a price, each with what it may cost beside the plain call on the same q, k, v.
import type { AttentionOptions, MaskLike } from '../../src/index.js';
import { createRandom } from '../../src/core/tensor/random.js';
import type { Shape } from '../../src/core/tensor/shape.js';
import { randomTensor } from './inputs.js';
import { faster, shareOfTime, slower, type Limit } from './option-cost.js';

/** Self-attention of one sequence: q, k and v are [1, heads, tokens, headDim]. */
export interface OptionShape {
  readonly heads: number;
  readonly tokens: number;
  readonly headDim: number;
}

export interface OptionCase {
  /** As `--cases` and the report name it. */
  readonly name: string;
  readonly options: (shape: OptionShape) => AttentionOptions;
  /** How many keys its queries attend together, where the cost counts by them. */
  readonly pairs?: (tokens: number) => number;
  /** Without, there is no bar. */
  readonly limit?: Limit;
}

// Behind a length, or behind a mask of keys.
const padding = 100;

export const optionCases: readonly OptionCase[] = [
  { name: 'softcap', options: () => ({ softcap: 50 }), limit: slower(40) },
  { name: 'sinks', options: ({ heads }) => ({ sinks: randomTensor([heads], 4).data }), limit: slower(15) },
  { name: 'alibi', options: ({ heads }) => ({ alibiSlopes: slopesOf(heads) }), limit: slower(15) },
  {
    name: 'window-of-all',
    options: ({ tokens }) => ({ window: { left: tokens - 1, right: tokens - 1 } }),
    limit: slower(15),
  },
  {
    name: 'window-left-half',
    options: ({ tokens }) => ({ window: { left: tokens >> 1 } }),
    pairs: (tokens) => sumOver(tokens, (i) => Math.min(tokens, tokens - i + (tokens >> 1))),
  },
  {
    name: 'mask-1-1-T-T',
    options: ({ tokens }) => ({ mask: randomMask([1, 1, tokens, tokens], 0.9) }),
    limit: slower(15),
  },
  {
    name: 'mask-H-T-T',
    options: ({ heads, tokens }) => ({ mask: randomMask([heads, tokens, tokens], 0.5) }),
    limit: slower(15),
  },
  {
    name: 'mask-1-1-1-T',
    options: ({ tokens }) => ({ mask: maskOf([1, 1, 1, tokens], (key) => key < unpadded(tokens)) }),
    limit: slower(15),
  },
  { name: 'lengths-T', options: ({ tokens }) => ({ keyLengths: [tokens] }), limit: slower(15) },
  {
    name: 'lengths-padded',
    options: ({ tokens }) => ({ keyLengths: [unpadded(tokens)] }),
    pairs: (tokens) => tokens * unpadded(tokens),
    limit: slower(15),
  },
  {
    name: 'bias-1-H-T-T',
    options: ({ heads, tokens }) => ({ bias: randomTensor([1, heads, tokens, tokens], 5) }),
  },
  { name: 'head-statistics', options: () => ({ headStatistics: true }), limit: slower(25) },
  { name: 'log-sum-exp', options: () => ({ returnLogSumExp: true }) },
  { name: 'weights', options: () => ({ returnWeights: true }) },
  { name: 'rope', options: () => ({ rope: { base: 10_000 } }) },
  {
    name: 'qk-norm',
    options: ({ headDim }) => ({
      qkNorm: { q: randomTensor([headDim], 6).data, k: randomTensor([headDim], 7).data },
    }),
  },
  {
    name: 'half-of-heads',
    options: ({ heads }) => ({ headScale: halfOfHeads(heads) }),
    limit: shareOfTime(55),
  },
  { name: 'causal', options: () => ({ causal: true }), limit: faster(1.8) },
];

/** Every other head is off. */
export function halfOfHeads(heads: number): readonly number[] {
  return Array.from({ length: heads }, (_, head) => (head % 2 === 0 ? 1 : 0));
}

function unpadded(tokens: number): number {
  return Math.max(1, tokens - padding);
}

/** 2^(-8 (h + 1) / heads), as Press et al. choose them. */
function slopesOf(heads: number): Float32Array {
  return Float32Array.from({ length: heads }, (_, head) => 2 ** ((-8 * (head + 1)) / heads));
}

function randomMask(shape: Shape, shareOfTrue: number): MaskLike {
  const random = createRandom(8);
  return maskOf(shape, () => random.uniform() < shareOfTrue);
}

// In shared memory, where calls read it in place.
function maskOf(shape: Shape, isAttended: (index: number) => boolean): MaskLike {
  const length = shape.reduce((product, axis) => product * axis, 1);
  const data = new Uint8Array(new SharedArrayBuffer(length));
  for (let n = 0; n < length; n++) data[n] = isAttended(n) ? 1 : 0;
  return { shape, data };
}

function sumOver(count: number, term: (index: number) => number): number {
  let sum = 0;
  for (let n = 0; n < count; n++) sum += term(n);
  return sum;
}
