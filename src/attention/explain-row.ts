// One query row in float64: the score of each key step by step, and the softmax over those that are attended. Plain
// loops in the order in which the formula reads; no kernel computes this way, and nothing here is fast.
import { expected } from '../core/errors.js';
import { elementAt, whyLeftOut, type LeftOut, type Reason, type RowPlace } from './explain-rules.js';
import type { Batch } from './batch.js';
import type { ResolvedOptions } from './resolved-options.js';

/** The score of one key, step by step in the order of the computation. */
export interface ScoreSteps {
  /** q·k, both after qkNorm and rope. */
  readonly dot: number;
  readonly scale: number;
  /** dot · scale. */
  readonly scaled: number;
  /** c·tanh(scaled / c); without a softcap the same as `scaled`. */
  readonly softcapped: number;
  /** -slope · |position - key|, 0 without slopes. */
  readonly alibi: number;
  /** The element of `bias`, 0 without. */
  readonly bias: number;
  /** softcapped + alibi + bias: what the softmax takes where the key is attended. */
  readonly biased: number;
}

/** Why one key has the weight that it has. */
export interface Explanation {
  readonly at: RowPlace & { readonly key: number };
  /** Not there for a key behind `keyLengths`: padding is never read. */
  readonly steps?: ScoreSteps;
  readonly allowed: boolean;
  /** The first rule that leaves the key out, in the order length, causal, window, mask, bias. */
  readonly reason?: Reason;
  /** The same in numbers: 'key 7 comes after position 5'. */
  readonly because?: string;
  /** Of the scores of the attended keys and the sink; -Infinity where there are none. */
  readonly maximum: number;
  /** ln Σ exp of the same; -Infinity where there are none. */
  readonly logSumExp: number;
  readonly sink?: number;
  /** exp(biased - logSumExp); 0 for a key left out. */
  readonly probability: number;
  /** What the head's output is multiplied by. */
  readonly headScale?: number;
  /** Among the attended keys of the row, 1 = the largest weight, equal ones by their index; not there without a weight. */
  readonly rank?: number;
}

/** A row to explain, its operands normalised and turned. */
export interface RowSource {
  readonly place: RowPlace;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
  readonly query: Float64Array; // [headDim]
  /** [headDim] of a valid key. */
  readonly keyAt: (key: number) => Float64Array;
  /** Keys behind all others that every query attends. */
  readonly extraKeys: readonly Float64Array[];
}

interface RowKey {
  readonly steps: ScoreSteps | undefined;
  readonly leftOut: LeftOut | undefined;
}

/** A row with all that its keys share. */
export interface ExplainedRow {
  readonly place: RowPlace;
  /** The keys, padding included, then the extra ones. */
  readonly keys: readonly RowKey[];
  readonly maximum: number;
  /** Σ exp(score - maximum) of the same scores as the maximum. */
  readonly sum: number;
  readonly logSumExp: number;
  readonly sink: number | undefined;
  readonly headScale: number | undefined;
}

export function explainRow(source: RowSource): ExplainedRow {
  const { place, batch, options, extraKeys, keyAt } = source;
  const valid = batch.entries[place.batch]!.keys;
  const keys = Array.from({ length: batch.dense?.keys ?? valid }, (_, key): RowKey => {
    const leftOut = whyLeftOut(options.rules, place, key, valid);
    return { steps: key < valid ? scoreOf(source, keyAt(key), key) : undefined, leftOut };
  });
  for (const vector of extraKeys) keys.push({ steps: scoreOf(source, vector), leftOut: undefined });
  const { sinks, headScale: factors } = options.rules;
  const sink = sinks?.data[place.head];
  const headScale = factors?.data[place.head];
  return { place, keys, ...softmaxOf(keys, sink), sink, headScale };
}

/** Without an index the key is an extra one, which has no place that ALiBi or the bias could look at. */
function scoreOf({ place, options, query }: RowSource, vector: Float64Array, key?: number): ScoreSteps {
  const { scale, softcap, alibiSlopes, bias: biases } = options.rules;
  let dot = 0;
  for (let d = 0; d < query.length; d++) dot += query[d]! * vector[d]!;
  const scaled = dot * scale;
  const softcapped = softcap === 0 ? scaled : softcap * Math.tanh(scaled / softcap);
  // 0 minus it, so that no slope gives 0 and not -0.
  const alibi =
    key === undefined ? 0 : 0 - (alibiSlopes?.data[place.head] ?? 0) * Math.abs(place.position - key);
  const bias = key === undefined || biases === null ? 0 : elementAt(biases, place, key);
  return { dot, scale, scaled, softcapped, alibi, bias, biased: softcapped + alibi + bias };
}

function softmaxOf(
  keys: readonly RowKey[],
  sink: number | undefined,
): Pick<ExplainedRow, 'maximum' | 'sum' | 'logSumExp'> {
  const scores = keys.flatMap(({ steps, leftOut }) => (leftOut === undefined ? [steps!.biased] : []));
  if (sink !== undefined) scores.push(sink);
  const maximum = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const sum = scores.reduce((total, score) => total + Math.exp(score - baseOf(maximum)), 0);
  return { maximum, sum, logSumExp: maximum + Math.log(sum) };
}

/** What exponentials are taken relative to: the maximum, but scores of -Infinity alone have none. */
function baseOf(maximum: number): number {
  return maximum === -Infinity ? 0 : maximum;
}

/** What the row says of one key. @throws INVALID_OPTION naming `key` where the row has none of that index */
export function explainKey(row: ExplainedRow, key: number): Explanation {
  checkIndex('key', key, row.keys.length);
  const { place, maximum, sum, logSumExp, sink, headScale } = row;
  const { steps, leftOut } = row.keys[key]!;
  const probability = leftOut === undefined ? Math.exp(steps!.biased - baseOf(maximum)) / sum : 0;
  const hasRank = leftOut === undefined && !Number.isNaN(probability);
  return {
    at: { ...place, key },
    ...(steps && { steps }),
    allowed: leftOut === undefined,
    ...leftOut,
    maximum,
    logSumExp,
    ...(sink !== undefined && { sink }),
    probability,
    ...(headScale !== undefined && { headScale }),
    ...(hasRank && { rank: rankedKeys(row).indexOf(key) + 1 }),
  };
}

/** The attended keys by their scores, and so by their weights, largest first. */
export function rankedKeys({ keys }: ExplainedRow): number[] {
  const scoreOfKey = (key: number): number => keys[key]!.steps!.biased;
  return [...keys.keys()]
    .filter((key) => keys[key]!.leftOut === undefined)
    .sort((a, b) => scoreOfKey(b) - scoreOfKey(a) || a - b);
}

/** @throws INVALID_OPTION */
export function checkIndex(name: string, index: number, count: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  const what = count === 0 ? `a batch with any ${name} to explain` : `an integer from 0 to ${count - 1}`;
  throw expected('INVALID_OPTION', what, name, index);
}
