// Combinations of options on whole layers: random weights, extra keys included, held against the oracle.
import type { AttentionOptions, AttentionResult, Engine } from '../../src/index.js';
import {
  multiHeadOracle,
  type OracleInputs,
  type OracleLayerOptions,
  type OracleLayerResult,
  type OracleStatistics,
} from '../oracle/oracle.js';
import type { Combination } from './any-combination.js';
import { combinationCase } from './combination-case.js';
import { findStatisticsDeviation } from './combination-checks.js';
import { layerWeights } from './layer-case.js';
import { multiHeadNaive32 } from './naive32.js';
import { normalTensor } from './random.js';
import { findDeviation, type PrecisionPool } from './tolerance.js';
import { without } from './without.js';

/** Runs one combination as a layer. @throws with its description where anything deviates */
export async function checkLayerCombination(
  engine: Engine,
  combination: Combination,
  pool: PrecisionPool,
): Promise<void> {
  const label = JSON.stringify(combination);
  const { weights, query, key, options, oracles } = layerCase(combination);
  const { offsets, keyOffsets } = options;
  const { kvHeads, group } = combination;
  const wanted: OracleLayerOptions = {
    heads: kvHeads * group,
    kvHeads,
    offsets,
    keyOffsets,
    ...(combination.layout === 'ragged' ? optionsOfSequences(oracles) : oracles[0]),
  };
  try {
    using layer = await engine.multiHeadAttention({ heads: kvHeads * group, kvHeads, weights });
    const result = await layer.forward(key === query ? query : { query, key }, options);
    const operands = { query, key, value: key };
    const oracle = multiHeadOracle(weights, operands, wanted);
    const naive = multiHeadNaive32(weights, operands, wanted);
    pool.add({ actual: result.output.data, oracle: oracle.output, naive }, label);
    const problem =
      findDeviation(result.output.data, oracle.output, 5e-5, 2e-4) ??
      findResultProblem(result, oracle, combination);
    if (problem !== undefined) throw new Error(problem);
  } catch (error) {
    throw new Error(`${(error as Error).message}, layer of ${label}`, { cause: error });
  }
}

/** One combination as a call of a layer, and as calls of the oracle. */
export function layerCase(combination: Combination) {
  const { inputs, oracles } = combinationCase(combination);
  const given: AttentionOptions = without(inputs, 'q', 'k', 'v', 'heads', 'kvHeads');
  const { keyOffsets = given.offsets } = given;
  const options: AttentionOptions = { ...given, ...(keyOffsets && { keyOffsets }) };
  return { ...layerOperands(combination), options, oracles };
}

/** Random weights and inputs; half of the layers with as many keys as queries attend to themselves. */
function layerOperands({ layout, kvHeads, group, headDim, valueDim, entries, seed }: Combination) {
  const isSelf = seed % 2 === 1 && entries.every(({ queries, keys }) => queries === keys);
  const modelDim = 2 + (seed % 7);
  const keyWidth = isSelf ? modelDim : 2 + (seed % 5);
  const weights = layerWeights({
    heads: kvHeads * group,
    kvHeads,
    headDim,
    valueDim,
    modelDim,
    keyWidth,
    seed,
    outputDim: 1 + (seed % 9),
    hasBias: seed % 11 < 6,
    hasBiasKey: seed % 3 === 0,
    addZeroAttention: seed % 4 === 1,
  });
  const rows = (side: 'queries' | 'keys', width: number): number[] => {
    const lengths = entries.map((entry) => entry[side]);
    if (layout === 'ragged') return [lengths.reduce((sum, length) => sum + length, 0), width];
    return [lengths.length, lengths[0]!, width];
  };
  const query = normalTensor(rows('queries', modelDim), seed + 1);
  return { weights, query, key: isSelf ? query : normalTensor(rows('keys', keyWidth), seed + 2) };
}

/** The options of sequences, each a batch of one, as those of a ragged batch. */
function optionsOfSequences(oracles: readonly OracleInputs[]): Partial<OracleLayerOptions> {
  const { causalOffset, offset, rope, ...same } = oracles[0]!;
  const ofSequence = (b: number) => oracles[b]!;
  return {
    ...same,
    causalOffset: causalOffset && ((b) => ofSequence(b).causalOffset!(0)),
    offset: offset && ((b) => ofSequence(b).offset!(0)),
    rope: rope && {
      ...rope,
      ...(rope.queryPosition && { queryPosition: (b, i) => ofSequence(b).rope!.queryPosition!(0, i) }),
      ...(rope.keyPosition && { keyPosition: (b, j) => ofSequence(b).rope!.keyPosition!(0, j) }),
    },
  };
}

function findResultProblem(
  { weights, scores, logSumExp, headStatistics }: AttentionResult,
  { entries }: OracleLayerResult,
  { layout, returnWeights, returnScores, returnLogSumExp, headStatistics: hasStatistics }: Combination,
): string | undefined {
  const all = (numbersOf: (entry: (typeof entries)[number]) => Float64Array): Float64Array =>
    Float64Array.from(entries.flatMap((entry) => [...numbersOf(entry)]));
  const isDense = layout !== 'ragged';
  if (isDense && returnWeights === true) {
    const problem = findDeviation(
      weights!.data,
      all((entry) => entry.weights),
    );
    if (problem !== undefined) return `weights: ${problem}`;
  }
  if (isDense && returnScores) {
    const problem = findDeviation(
      scores!.data,
      all((entry) => entry.scores(returnScores)),
      2e-5,
    );
    if (problem !== undefined) return `${returnScores}: ${problem}`;
  }
  if (isDense && returnLogSumExp) {
    const problem = findDeviation(
      logSumExp!.data,
      all((entry) => entry.logSumExp),
      1e-5,
      1e-5,
    );
    if (problem !== undefined) return `logSumExp: ${problem}`;
  }
  if (!hasStatistics) return undefined;
  const names = Object.keys(entries[0]!.headStatistics) as (keyof OracleStatistics)[];
  const wanted = Object.fromEntries(names.map((name) => [name, all((entry) => entry.headStatistics[name]!)]));
  return findStatisticsDeviation(headStatistics!, wanted as unknown as OracleStatistics);
}
