// All that a call of any combination returns, held against the oracle.
import type { AttentionResult, Engine, Tensor } from '../../src/index.js';
import {
  attendOracle,
  statisticsOf,
  type OracleInputs,
  type OracleResult,
  type OracleStatistics,
} from '../oracle/oracle.js';
import type { Combination } from './any-combination.js';
import { combinationCase, partOf } from './combination-case.js';
import { kernels } from './engines.js';
import { attendNaive32, type NaiveResult } from './naive32.js';
import { findDeviation, PrecisionPool } from './tolerance.js';

interface Expectation {
  readonly oracle: readonly OracleResult[];
  readonly naive: readonly NaiveResult[];
  uses: number;
}

/** Kernels run side by side, nearly at the same case. */
const mostExpectations = 200;
const expectations = new Map<string, Expectation>();

/** What the oracle and the plain program say, kept until every kernel was held against it. */
function expectationOf(label: string, oracles: readonly OracleInputs[]): Expectation {
  const known = expectations.get(label) ?? {
    oracle: oracles.map(attendOracle),
    naive: oracles.map(attendNaive32),
    uses: 0,
  };
  known.uses++;
  if (known.uses < kernels.length) expectations.set(label, known);
  else expectations.delete(label);
  if (expectations.size > mostExpectations) expectations.delete(expectations.keys().next().value!);
  return known;
}

/** The results of many combinations on one kernel, for the promise of precision. */
export class CombinationPools {
  readonly outputs = new PrecisionPool();
  readonly weights = new PrecisionPool();

  findProblem(): string | undefined {
    return this.outputs.findProblem() ?? this.weights.findProblem();
  }
}

/** Runs one combination. @throws with its description where anything deviates, so that fast-check shows it */
export async function checkCombination(
  engine: Engine,
  combination: Combination,
  pools: CombinationPools,
): Promise<void> {
  const label = JSON.stringify(combination);
  const { inputs, oracles } = combinationCase(combination);
  try {
    const result = await engine.attention(inputs);
    const { oracle, naive } = expectationOf(label, oracles);
    oracle.forEach((wanted, n) => {
      const { output, logSumExp } = partOf(result, combination, oracles, n);
      pools.outputs.add({ actual: output, oracle: wanted.output, naive: naive[n]!.output }, label);
      expectNone('output', findDeviation(output, wanted.output));
      if (combination.returnLogSumExp) {
        expectNone('logSumExp', findDeviation(logSumExp!, wanted.logSumExp, 5e-6, 1e-6));
      }
    });
    if (combination.layout !== 'ragged')
      checkColumns(result, combination, oracle[0]!, naive[0]!, pools, label);
    if (combination.headStatistics) checkStatistics(result, oracle);
  } catch (error) {
    throw new Error(`${(error as Error).message}, ${label}`, { cause: error });
  }
}

function expectNone(what: string, problem: string | undefined): void {
  if (problem !== undefined) throw new Error(`${what}: ${problem}`);
}

function checkColumns(
  { weights, scores }: AttentionResult,
  { returnWeights, returnScores, kvHeads, group }: Combination,
  oracle: OracleResult,
  naive: NaiveResult,
  pools: CombinationPools,
  label: string,
): void {
  if (returnWeights === true) {
    pools.weights.add({ actual: weights!.data, oracle: oracle.weights, naive: naive.weights }, label);
    expectNone('weights', findDeviation(weights!.data, oracle.weights));
  }
  if (returnWeights === 'mean') {
    expectNone(
      'mean weights',
      findDeviation(weights!.data, meanOfHeads(oracle.weights, weights!.shape, kvHeads * group)),
    );
  }
  if (returnScores) expectNone(returnScores, findDeviation(scores!.data, oracle.scores(returnScores)));
}

/** The mean over the heads of [batch, heads, queries, keys]; `shape` is [batch, queries, keys]. */
function meanOfHeads(weights: Float64Array, shape: readonly number[], heads: number): Float64Array {
  const [batch, queries, keys] = shape as [number, number, number];
  const size = queries * keys;
  return Float64Array.from({ length: batch * size }, (_, n) => {
    const [b, at] = [Math.floor(n / size), n % size];
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += weights[(b * heads + h) * size + at]!;
    return sum / heads;
  });
}

/**
 * Head statistics computed from the weights that a call returned: what its own, gathered without them, must equal. A row
 * attends if it has any weight.
 * @param result of a dense call of rank 4 with `returnWeights: true`
 * @param positionOf where query i of entry b stands on the diagonal
 * @param keys of the input, where weights have columns of extra keys after them
 */
export function statisticsOfWeights(
  { output, weights }: AttentionResult,
  positionOf: (b: number, i: number) => number,
  keys = weights!.shape[3]!,
): OracleStatistics {
  const [batch, heads, queries, columns] = weights!.shape as readonly [number, number, number, number];
  const valueDim = output.shape[3]!;
  return statisticsOf({
    dims: { batch, heads, queries, keys, columns, valueDim },
    weights: weights!.data,
    output: output.data,
    positionOf,
    isAttending: (row) =>
      weights!.data.subarray(row * columns, (row + 1) * columns).some((weight) => weight > 0),
  });
}

/** What head statistics promise: 1e-4, absolute and relative. */
export function findStatisticsDeviation(
  actual: NonNullable<AttentionResult['headStatistics']>,
  wanted: OracleStatistics,
): string | undefined {
  for (const [name, numbers] of Object.entries(wanted) as [string, Float64Array][]) {
    const tensor = actual[name as 'entropy'] as Tensor | undefined;
    if (tensor === undefined) return `${name} is missing`;
    const problem = findDeviation(tensor.data, numbers, 1e-4, 1e-4);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function checkStatistics({ headStatistics }: AttentionResult, oracle: readonly OracleResult[]): void {
  const wanted = Object.fromEntries(
    Object.keys(oracle[0]!.headStatistics).map((name) => [
      name,
      Float64Array.from(oracle.flatMap((one) => [...one.headStatistics[name as 'entropy']])),
    ]),
  ) as unknown as OracleStatistics;
  expectNone('headStatistics', findStatisticsDeviation(headStatistics!, wanted));
}
