// A sequence that a layer sees piece by piece, described once: its tokens, and what the oracle says of any stretch.
import type { ExecutionContext } from 'ava';
import type {
  AttentionOptions,
  AttentionResult,
  KeyValueCache,
  MultiHeadAttention,
  Tensor,
} from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import {
  multiHeadOracle,
  type OracleLayerOptions,
  type OracleLayerResult,
  type OracleStatistics,
} from '../oracle/oracle.js';
import { oracleOptions, type GivenOptions } from './attention-case.js';
import { findStatisticsDeviation } from './combination-checks.js';
import { layerWeights, type LayerWidths } from './layer-case.js';
import { multiHeadNaive32 } from './naive32.js';
import { addResult } from './precision-pools.js';
import { normalTensor } from './random.js';
import { assertClose, findDeviation } from './tolerance.js';

/** Options of all calls on a sequence. */
export type SequenceOptions = Omit<GivenOptions, 'causal' | 'alignment' | 'keyLengths' | 'mask' | 'bias'> & {
  readonly causal?: true;
};

/** What one call is given or asked for besides. */
export type CallOptions = Pick<GivenOptions, 'mask' | 'bias'> &
  Pick<AttentionOptions, 'returnWeights' | 'returnLogSumExp' | 'headStatistics' | 'returnScores'>;

export interface CachedCase {
  readonly widths: LayerWidths;
  readonly weights: ReturnType<typeof layerWeights>;
  /** [batch, tokens, modelDim] */
  readonly x: Tensor;
  readonly options: SequenceOptions;
  /** Keys and values instead of the tokens: rows [1, tokens, width] that `weights` project and that are turned already. */
  readonly held?: { readonly keys: Tensor; readonly values: Tensor };
}

/** 4 heads on 2. */
export const grouped: LayerWidths = { heads: 4, kvHeads: 2, headDim: 8, valueDim: 6, modelDim: 10 };

export function cachedCase(given: {
  readonly widths?: LayerWidths;
  readonly tokens: number;
  readonly batch?: number;
  readonly options?: SequenceOptions;
  readonly seed?: number;
}): CachedCase {
  const { widths = grouped, tokens, batch = 1, options = { causal: true }, seed = 1 } = given;
  const x = normalTensor([batch, tokens, widths.modelDim], 1000 + seed);
  return { widths, weights: layerWeights(widths), x, options };
}

/** What an engine makes the layer of a case from. */
export function layerOf({ widths, weights }: Pick<CachedCase, 'widths' | 'weights'>) {
  const { heads, kvHeads = heads } = widths;
  return { heads, kvHeads, weights };
}

/** Tokens from … to - 1 of [batch, tokens, width]. */
export function stretchOf({ shape, data }: Tensor, from: number, to: number): Tensor {
  const [batch, tokens, width] = shape as readonly [number, number, number];
  const rows = Array.from({ length: batch }, (_, b) => [
    ...data.subarray((b * tokens + from) * width, (b * tokens + to) * width),
  ]);
  return createTensor([batch, to - from, width], rows.flat());
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly result: AttentionResult;
}

/** Calls the layer with one stretch of the tokens after the other, from where the cache stands. */
export async function feed(
  { x, options }: Pick<CachedCase, 'x' | 'options'>,
  layer: MultiHeadAttention,
  cache: KeyValueCache,
  lengths: readonly number[],
  asked: CallOptions = {},
): Promise<Stretch[]> {
  const stretches: Stretch[] = [];
  for (const length of lengths) {
    const from = cache.tokens[0]!;
    const to = from + length;
    const result = await layer.forward(stretchOf(x, from, to), { ...options, ...asked, cache });
    stretches.push({ from, to, result });
  }
  return stretches;
}

/** Tokens that are only to be seen: with all heads off, only their keys and values are computed. */
export async function prefill(
  { x, options: { rope, qkNorm } }: Pick<CachedCase, 'x' | 'options'>,
  layer: MultiHeadAttention,
  cache: KeyValueCache,
  length: number,
): Promise<void> {
  const headScale = new Array<number>(layer.heads).fill(0);
  const options = { headScale, window: { left: 0 }, ...(rope && { rope }), ...(qkNorm && { qkNorm }) };
  await feed({ x, options }, layer, cache, [length]);
}

interface Expectation {
  readonly oracle: OracleLayerResult;
  readonly naive: Float64Array;
}

const expectations = new WeakMap<CachedCase, Map<string, Expectation>>();

/** What the oracle and the plain program say of a stretch, computed once however many kernels are held against it. */
function expectationOf(given: CachedCase, from: number, to: number, asked: CallOptions = {}): Expectation {
  const known = expectations.get(given) ?? new Map<string, Expectation>();
  expectations.set(given, known);
  const name = `${from} ${to} ${Boolean(asked.mask)} ${Boolean(asked.bias)}`;
  const { x, weights, widths, held = { keys: x, values: x } } = given;
  const { heads, kvHeads = heads } = widths;
  const { causal, rope, ...same } = given.options;
  const { mask, bias } = asked;
  const dims = { batch: x.shape[0]!, heads, queries: to - from, keys: to };
  const wanted: OracleLayerOptions = {
    heads,
    kvHeads,
    ...oracleOptions({ ...same, ...(mask && { mask }), ...(bias && { bias }) }, dims),
    offset: () => from,
    ...(causal && { causalOffset: () => from }),
    ...(rope && { rope: { ...rope, ...(given.held && { keyPosition: () => 0 }) } }),
  };
  const inputs = {
    query: stretchOf(x, from, to),
    key: stretchOf(held.keys, 0, to),
    value: stretchOf(held.values, 0, to),
  };
  const expectation = known.get(name) ?? {
    oracle: multiHeadOracle(weights, inputs, wanted),
    naive: multiHeadNaive32(weights, inputs, wanted),
  };
  known.set(name, expectation);
  return expectation;
}

/** Holds the rows of one stretch against the oracle; the promise of precision is held at the end of the test. */
export function checkRows(
  t: ExecutionContext,
  given: CachedCase,
  rows: { readonly from: number; readonly to: number; readonly output: Float32Array },
): void {
  const { from, to, output } = rows;
  const { oracle, naive } = expectationOf(given, from, to);
  addResult(t, 'output', { actual: output, oracle: oracle.output, naive }, `tokens ${from} … ${to}`);
}

/** Holds all that the call of a stretch returned against the oracle. */
export function checkStretch(
  t: ExecutionContext,
  given: CachedCase,
  { from, to, result }: Stretch,
  asked: CallOptions = {},
): void {
  const { oracle, naive } = expectationOf(given, from, to, asked);
  const label = `tokens ${from} … ${to}`;
  const { output, weights, scores, logSumExp, headStatistics } = result;
  const all = (numbersOf: (entry: (typeof oracle.entries)[number]) => Float64Array): Float64Array =>
    Float64Array.from(oracle.entries.flatMap((entry) => [...numbersOf(entry)]));
  addResult(t, 'output', { actual: output.data, oracle: oracle.output, naive }, label);
  if (weights !== undefined) {
    const wanted = all((entry) => entry.weights);
    assertClose(t, weights.data, wanted, `weights of ${label}`);
  }
  if (scores !== undefined) {
    const wanted = all((entry) => entry.scores(asked.returnScores!));
    t.is(findDeviation(scores.data, wanted, 2e-5), undefined, `scores of ${label}`);
  }
  if (logSumExp !== undefined) {
    const wanted = all((entry) => entry.logSumExp);
    t.is(findDeviation(logSumExp.data, wanted, 5e-6, 1e-6), undefined, `logSumExp of ${label}`);
  }
  if (headStatistics === undefined) return;
  const names = Object.keys(oracle.entries[0]!.headStatistics) as (keyof OracleStatistics)[];
  const wanted = Object.fromEntries(names.map((one) => [one, all((entry) => entry.headStatistics[one]!)]));
  const problem = findStatisticsDeviation(headStatistics, wanted as unknown as OracleStatistics);
  t.is(problem, undefined, `statistics of ${label}`);
}
