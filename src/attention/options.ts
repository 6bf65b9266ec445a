// The options of an attention call: their types, and the one table of what each may be and how it is said.
import { priorities, type Priority } from '../core/protocol/messages.js';
import type { Tensor, TensorLike } from '../core/tensor/tensor.js';
import { alibiSlopes } from './alibi.js';
import type { KeyValueCache } from './cache.js';
import type { RowOf } from './option-kinds.js';
import type { MaskLike } from './share-operands.js';

export const alignments = ['top-left', 'bottom-right'] as const;
/**
 * Where the diagonal starts: query i stands at position i, or so that the last query stands at the last valid key.
 * @useDeclaredType
 */
export type Alignment = (typeof alignments)[number];

/** Everything that can be asked of an attention. Absent means the default. */
export interface AttentionOptions {
  /**
   * Query i attends keys up to its position; a string says the alignment too. `true` is taken where both alignments
   * agree (as many keys as queries, or a cache), else it is an error that asks which. Default: every key.
   */
  readonly causal?: boolean | Alignment;
  /**
   * The position of query i: i ('top-left') or i + valid keys - queries ('bottom-right'). Needed where options look at
   * positions and there are not as many keys as queries; with a cache, the position follows from its tokens.
   */
  readonly alignment?: Alignment;
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
  /** Factor of q·k, any number whose float32 is finite; default 1 / √headDim. */
  readonly scale?: number;
  /** c > 0, from 1.2e-38 to 3.4e38: a scaled score s becomes c · tanh(s / c), before everything that follows. Default: none. */
  readonly softcap?: number;
  /** A query at position p attends the keys p - left … p + right; both inclusive, integers >= 0, default no bound. */
  readonly window?: { readonly left?: number; readonly right?: number };
  /** A slope a head: -slope · |position - j| is added to its scores (Press et al., 2022). */
  readonly alibiSlopes?: ArrayLike<number>;
  /** A logit a head that joins the softmax's denominator only, below Infinity. */
  readonly sinks?: ArrayLike<number>;
  /** A factor a head for its output; a head of factor 0 is not computed. */
  readonly headScale?: ArrayLike<number>;
  /** Turns queries and keys by their positions (Su et al., 2021). */
  readonly rope?: RotaryOptions;
  /** RMS normalisation of every query and key row, before `rope`. */
  readonly qkNorm?: QueryKeyNorm;
  /** true: weights [batch, heads, queries, keys]; 'mean': their mean over the heads [batch, queries, keys]. */
  readonly returnWeights?: boolean | 'mean';
  /**
   * Scores [batch, heads, queries, keys]: after the scale; after the softcap; with ALiBi and bias and -Infinity where left
   * out; or as weights. The first two hold masked keys too, and -Infinity for padding.
   */
  readonly returnScores?: ScoresToReturn;
  /** Natural logarithm of the softmax denominators: [batch, heads, queries], ragged [heads, totalTokens]. */
  readonly returnLogSumExp?: boolean;
  /** What the heads attend, as means over their rows. */
  readonly headStatistics?: boolean;
  /** Keys and values of earlier calls, which this call's follow; of a layer's calls only. A list for a ragged batch. */
  readonly cache?: KeyValueCache | readonly KeyValueCache[];
  /** Cancels the call: it rejects with the signal's reason once no worker touches its buffers any more. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that the call may take as a whole, from the moment that it is made, waiting included: else it rejects
   * with TIMEOUT, once no worker touches its buffers any more. Default: no bound.
   */
  readonly timeoutMs?: number;
  /** Whose turn it is where calls wait: 'interactive' ones go before those of 'batch'. Default 'interactive'. */
  readonly priority?: Priority;
  /** The tensor to write the output into; it must not overlap an input. */
  readonly out?: Tensor;
}

export const scoreStages = ['scaled', 'softcapped', 'biased', 'probabilities'] as const;
/** The stage at which `returnScores` takes the scores. @useDeclaredType */
export type ScoresToReturn = (typeof scoreStages)[number];

export interface RotaryOptions {
  /** angle(position, i) = position · base^(-2i / dims); 10000 in most models. */
  readonly base: number;
  /** How many dims of a head turn, the first ones: even, default headDim. */
  readonly dims?: number;
  /** Pairs (2i, 2i + 1) instead of (i, i + dims / 2); default false. */
  readonly interleaved?: boolean;
  /**
   * Positions of the tokens, where queries and keys are the same ones: [tokens] for every sequence alike, or one a row
   * of the batch. Default: those of the diagonal for queries, 0, 1, … for keys.
   */
  readonly positions?: readonly number[];
}

/** x / √(mean(x²) + epsilon) · weight, of each row of a head; finite weights. */
export interface QueryKeyNorm {
  readonly q: ArrayLike<number>; // [headDim]
  readonly k: ArrayLike<number>; // [headDim]
  /** Default 1e-6. */
  readonly epsilon?: number;
}

/** Options that are objects, whose fields have rows of their own. */
export type Groups = Required<Pick<AttentionOptions, 'window' | 'rope' | 'qkNorm'>>;
type FieldPath<Name extends keyof Groups> = `${Name}.${keyof Groups[Name] & string}`;

/** An option, or a field of one, as messages name it: `softcap`, `window.left`. */
export type OptionPath =
  Exclude<keyof AttentionOptions, keyof Groups> | { [Name in keyof Groups]: FieldPath<Name> }[keyof Groups];

/** What stands at a path. */
export type OptionAt<Path extends OptionPath> = Path extends keyof AttentionOptions
  ? AttentionOptions[Path]
  : Path extends `${infer Name extends keyof Groups}.${infer Field}`
    ? Groups[Name][Field & keyof Groups[Name]]
    : never;

/**
 * All that the program must know of an option besides what it means: names, checks, settings and records follow from it.
 * Those with a `help` hold for sequences of any length, and `headpool run` and `explain` have them as settings. In the
 * order in which settings are listed and outputs record their making.
 */
export const optionTable = {
  causal: {
    kind: 'flag or choice',
    choices: alignments,
    default: false,
    positional: true,
    help: 'attend no later tokens: true, top-left or bottom-right',
  },
  alignment: {
    kind: 'choice',
    choices: alignments,
    help: 'where the diagonal starts; needed where keys are not as many as queries',
  },
  'window.left': {
    kind: 'count',
    positional: true,
    help: 'earlier tokens that a query attends; default: all',
  },
  'window.right': {
    kind: 'count',
    positional: true,
    help: 'later tokens that a query attends; default: all',
  },
  scale: {
    kind: 'float32',
    default: (headDim: number) => 1 / Math.sqrt(headDim),
    help: 'factor of the scores; default: 1 / sqrt(headDim)',
  },
  softcap: { kind: 'positive float32', none: 0, help: 'c: a score s becomes c * tanh(s / c)' },
  alibiSlopes: {
    kind: 'numbers a head',
    range: 'finite',
    positional: true,
    flag: { name: 'alibi', stands: alibiSlopes },
    help: 'lower scores by distance, with the slopes of the ALiBi paper',
  },
  sinks: {
    kind: 'numbers a head',
    range: 'below Infinity',
    help: "logits that join the softmax's denominator, one a head: a,b,...",
  },
  headScale: {
    kind: 'numbers a head',
    range: 'finite',
    help: "factors of the heads' outputs, one a head: a,b,...; 0 skips the head",
  },
  'rope.base': {
    kind: 'positive number',
    isNeeded: true,
    positional: true,
    help: 'turn queries and keys by their positions (RoPE); 10000 in most models',
  },
  'rope.dims': {
    kind: 'even count',
    default: (headDim: number) => headDim,
    help: 'how many dims of a head turn; default: all',
  },
  'rope.interleaved': {
    kind: 'flag',
    default: false,
    help: 'turn pairs (2i, 2i + 1) instead of (i, i + dims / 2)',
  },
  'rope.positions': { kind: 'other' },
  'qkNorm.q': { kind: 'other', isNeeded: true },
  'qkNorm.k': { kind: 'other', isNeeded: true },
  'qkNorm.epsilon': { kind: 'number >= 0' },
  mask: { kind: 'other' },
  bias: { kind: 'other' },
  keyLengths: { kind: 'other' },
  offsets: { kind: 'other' },
  keyOffsets: { kind: 'other' },
  returnWeights: { kind: 'flag or choice', choices: ['mean'] },
  returnScores: { kind: 'choice', choices: scoreStages },
  returnLogSumExp: { kind: 'flag' },
  headStatistics: { kind: 'flag', positional: true },
  cache: { kind: 'other' },
  signal: { kind: 'other' },
  timeoutMs: { kind: 'milliseconds' },
  priority: { kind: 'choice', choices: priorities },
  out: { kind: 'other' },
} as const satisfies { readonly [Path in OptionPath]: RowOf<OptionAt<Path>> };
