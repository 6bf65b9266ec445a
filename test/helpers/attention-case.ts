// One attention described once: as the engine's inputs, and as the oracle's.
import type { ExecutionContext } from 'ava';
import type { AttentionInputs, AttentionOptions, AttentionResult, Engine } from '../../src/index.js';
import type { Shape } from '../../src/core/tensor/shape.js';
import {
  attendOracle,
  type OracleDims,
  type OracleInputs,
  type OracleOptions,
  type OracleResult,
} from '../oracle/oracle.js';
import { attendNaive32, type NaiveResult } from './naive32.js';
import { normalTensor } from './random.js';
import { addResult } from './precision-pools.js';
import { findDeviation, largestMagnitude, ulp32 } from './tolerance.js';

type Broadcastable<T> = { readonly shape: Shape; readonly data: T };

export interface CaseOptions extends Partial<OracleDims> {
  readonly seed?: number;
  /** Standard deviation of the queries and keys, default 1. */
  readonly spread?: number;
  readonly scale?: number;
  readonly causal?: 'top-left' | 'bottom-right';
  readonly keyLengths?: readonly number[];
  readonly mask?: Broadcastable<Uint8Array>;
  readonly bias?: Broadcastable<Float32Array>;
  /** Where the diagonal starts where `causal` doesn't say it. */
  readonly alignment?: 'top-left' | 'bottom-right';
  readonly window?: { readonly left?: number; readonly right?: number };
  readonly softcap?: number;
  /** These three are float32 values, as are the weights of qkNorm: the oracle takes them as they are. */
  readonly alibiSlopes?: readonly number[];
  readonly sinks?: readonly number[];
  readonly headScale?: readonly number[];
  /** With positions there are as many queries as keys: one a token for every entry alike, or one a row of the batch. */
  readonly rope?: {
    readonly base: number;
    readonly dims?: number;
    readonly interleaved?: boolean;
    readonly positions?: readonly number[];
  };
  readonly qkNorm?: { readonly q: Float32Array; readonly k: Float32Array; readonly epsilon?: number };
}

const optionNames = [
  ...(['scale', 'causal', 'keyLengths', 'mask', 'bias', 'alignment', 'window', 'softcap'] as const),
  ...(['alibiSlopes', 'sinks', 'headScale', 'rope', 'qkNorm'] as const),
] satisfies readonly (keyof CaseOptions)[];

/** The part of a case that an engine and the oracle are told beside the operands. */
export type GivenOptions = Pick<CaseOptions, (typeof optionNames)[number]>;

export interface AttentionCase {
  readonly inputs: AttentionInputs;
  readonly oracle: OracleInputs;
}

/** Random normal operands of rank 4 with the given lengths; everything absent is 1, or like its neighbour. */
export function attentionCase(options: CaseOptions = {}): AttentionCase {
  const {
    batch = 1,
    heads = 1,
    kvHeads = heads,
    queries = 5,
    keys = queries,
    headDim = 8,
    valueDim = headDim,
  } = options;
  const { seed = 1, spread = 1 } = options;
  const q = normalTensor([batch, heads, queries, headDim], 3 * seed, spread);
  const k = normalTensor([batch, kvHeads, keys, headDim], 3 * seed + 1, spread);
  const v = normalTensor([batch, kvHeads, keys, valueDim], 3 * seed + 2);
  const given = givenOptions(options);
  const dims = { batch, heads, kvHeads, queries, keys, headDim, valueDim };
  return {
    inputs: { q, k, v, ...given },
    oracle: {
      dims,
      q: q.data,
      k: k.data,
      v: v.data,
      ...oracleOptions(given, { batch, heads, queries, keys }),
    },
  };
}

function givenOptions(options: CaseOptions): GivenOptions {
  return Object.fromEntries(
    optionNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

/** Options of an engine's call as the oracle takes them. */
export function oracleOptions(
  { causal, alignment = causal, keyLengths, mask, bias, rope, ...same }: GivenOptions,
  { batch, heads, queries, keys }: Pick<OracleDims, 'batch' | 'heads' | 'queries' | 'keys'>,
): OracleOptions {
  const target = [batch, heads, queries, keys];
  const offset = (b: number): number =>
    alignment === 'bottom-right' ? (keyLengths?.[b] ?? keys) - queries : 0;
  return {
    ...same,
    keyLengths,
    ...(causal ? { causalOffset: offset } : { offset }),
    mask: mask && ((...at) => elementAt(mask, target, at) !== 0),
    bias: bias && ((...at) => elementAt(bias, target, at)),
    rope: rope && oracleRope(rope, queries),
  };
}

function oracleRope(
  { positions, ...rope }: NonNullable<CaseOptions['rope']>,
  tokens: number,
): OracleOptions['rope'] {
  const positionOf =
    positions && ((b: number, token: number): number => positions[(b * tokens + token) % positions.length]!);
  return { ...rope, ...(positionOf && { queryPosition: positionOf, keyPosition: positionOf }) };
}

/** The element at [b, h, i, j] of a tensor that broadcasts from the right. */
function elementAt(
  { shape, data }: Broadcastable<ArrayLike<number>>,
  target: Shape,
  at: readonly number[],
): number {
  let index = 0;
  target.forEach((length, axis) => {
    const own = shape[axis - (target.length - shape.length)];
    if (own === undefined) return;
    index = index * own + (own === 1 && length !== 1 ? 0 : at[axis]!);
  });
  return data[index]!;
}

/** Runs a case and holds output, log-sum-exp and the weights, if asked for, against the oracle. */
export async function checkCase(
  t: ExecutionContext,
  engine: Engine,
  { inputs, oracle }: AttentionCase,
  { returnWeights = true }: Pick<AttentionOptions, 'returnWeights'> = {},
): Promise<AttentionResult> {
  const result = await engine.attention({ ...inputs, returnWeights, returnLogSumExp: true });
  checkResult(t, result, oracle);
  return result;
}

interface Expectation {
  readonly oracle: OracleResult;
  readonly naive: NaiveResult;
}

const expectations = new WeakMap<OracleInputs, Expectation>();

/** What the oracle and the plain program say, computed once a case however many kernels are held against it. */
function expectationOf(inputs: OracleInputs): Expectation {
  const known = expectations.get(inputs);
  if (known !== undefined) return known;
  const expectation = { oracle: attendOracle(inputs), naive: attendNaive32(inputs) };
  expectations.set(inputs, expectation);
  return expectation;
}

/** Holds whatever a call returned against the oracle; the promise is held at the end of the test. */
export function checkResult(
  t: ExecutionContext,
  { output, weights, logSumExp }: Pick<AttentionResult, 'output' | 'weights' | 'logSumExp'>,
  inputs: OracleInputs,
): void {
  const { dims, extra } = inputs;
  const label = JSON.stringify(dims);
  const { oracle, naive } = expectationOf(inputs);
  t.deepEqual(output.shape, [dims.batch, dims.heads, dims.queries, dims.valueDim]);
  addResult(t, 'output', { actual: output.data, oracle: oracle.output, naive: naive.output }, label);
  if (weights !== undefined) {
    t.deepEqual(weights.shape, [dims.batch, dims.heads, dims.queries, dims.keys + (extra?.count ?? 0)]);
    addResult(t, 'weights', { actual: weights.data, oracle: oracle.weights, naive: naive.weights }, label);
  }
  if (logSumExp !== undefined) {
    t.deepEqual(logSumExp.shape, [dims.batch, dims.heads, dims.queries]);
    // A sum near 0 of large terms has no relative precision, so this is held against the terms' own.
    t.is(findDeviation(logSumExp.data, oracle.logSumExp, 2e-6, 1e-6), undefined, `logSumExp of ${label}`);
  }
}

/**
 * Large scores: a score can be no more exact than its own float32, which a softmax turns into a relative error of the
 * weights. The plain program may be luckier than that in the one row that decides, so it is no measure here.
 */
export async function checkLargeScores(
  t: ExecutionContext,
  engine: Engine,
  options: CaseOptions,
): Promise<void> {
  const { inputs, oracle } = attentionCase(options);
  const { output, logSumExp } = await engine.attention({ ...inputs, returnLogSumExp: true });
  const wanted = attendOracle(oracle);
  const scoreError = 4 * ulp32(largestMagnitude(wanted.logSumExp));
  t.is(findDeviation(output.data, wanted.output, scoreError * largestMagnitude(oracle.v), 0), undefined);
  t.is(findDeviation(logSumExp!.data, wanted.logSumExp, scoreError, 0), undefined);
}
