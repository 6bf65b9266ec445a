// A combination as one call of an engine and as calls of the oracle, and the engine's results cut as the oracle's are.
import type { AttentionInputs, AttentionResult, TensorLike } from '../../src/index.js';
import type { OracleInputs } from '../oracle/oracle.js';
import { caseOptionsOf, type Combination } from './any-combination.js';
import { attentionCase } from './attention-case.js';
import { besideEachOther } from './rearranged.js';
import { without } from './without.js';

export interface CombinationCase {
  readonly inputs: AttentionInputs;
  /** The whole of a dense batch, or the sequences of a ragged one. */
  readonly oracles: readonly OracleInputs[];
}

export function combinationCase(combination: Combination): CombinationCase {
  const { layout, kvHeads, group, entries, causal, alignment } = combination;
  const { returnWeights, returnScores, returnLogSumExp, headStatistics } = combination;
  const cases = (layout === 'ragged' ? entries : [0]).map((_, n) =>
    attentionCase(caseOptionsOf(combination, n)),
  );
  const asked: Partial<AttentionInputs> = {
    ...(causal !== undefined && { causal }),
    ...(returnWeights !== undefined && { returnWeights }),
    ...(returnScores && { returnScores }),
    ...(returnLogSumExp && { returnLogSumExp }),
    ...(headStatistics && { headStatistics }),
  };
  // What a case says of causality and alignment is what these two resolve to.
  const given: AttentionInputs = without(cases[0]!.inputs, 'causal', 'alignment');
  const inputs = { ...given, ...(alignment && { alignment }), ...asked };
  const oracles = cases.map(({ oracle }) => oracle);
  if (layout === 'rank 4') return { inputs, oracles };
  const operands = Object.fromEntries(
    (['q', 'k', 'v'] as const).map((name) => {
      const parts = cases.map((one) => besideEachOther(one.inputs[name]));
      return [name, layout === 'rank 3' ? parts[0]! : joinRows(parts)];
    }),
  ) as Pick<AttentionInputs, 'q' | 'k' | 'v'>;
  const beside = { ...inputs, ...operands, heads: kvHeads * group, kvHeads };
  if (layout === 'rank 3') return { inputs: beside, oracles };
  const isSelf = entries.every(({ queries, keys }) => queries === keys);
  const positions = cases.flatMap((one) => one.inputs.rope?.positions ?? []);
  const rope = inputs.rope && { ...inputs.rope, ...(inputs.rope.positions && { positions }) };
  return {
    inputs: {
      ...beside,
      ...(rope && { rope }),
      offsets: startsOf(entries.map(({ queries }) => queries)),
      ...(!isSelf && { keyOffsets: startsOf(entries.map(({ keys }) => keys)) }),
    },
    oracles,
  };
}

/** [1, tokens, width] after one another as [rows, width]. */
function joinRows(parts: readonly (TensorLike & { readonly data: Float32Array })[]): TensorLike {
  const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
  const rows = parts.reduce((sum, { shape }) => sum + shape[1]!, 0);
  return { shape: [rows, parts[0]!.shape[2]!], data };
}

function startsOf(lengths: readonly number[]): number[] {
  return lengths.reduce<number[]>((starts, length) => [...starts, starts.at(-1)! + length], [0]);
}

/** Output and log-sum-exp of oracle call n, laid out as the oracle does. */
export function partOf(
  { output, logSumExp }: AttentionResult,
  { layout }: Combination,
  oracles: readonly OracleInputs[],
  n: number,
): { readonly output: Float32Array; readonly logSumExp: Float32Array | undefined } {
  if (layout === 'rank 4') return { output: output.data, logSumExp: logSumExp?.data };
  const { batch, heads, queries, valueDim } = oracles[n]!.dims;
  const firstRow = oracles.slice(0, n).reduce((sum, { dims }) => sum + dims.queries, 0);
  const own = Float32Array.from({ length: batch * heads * queries * valueDim }, (_, at) => {
    const [row, d] = [Math.floor(at / valueDim), at % valueDim];
    const [i, h, b] = [row % queries, Math.floor(row / queries) % heads, Math.floor(row / queries / heads)];
    return output.data[((firstRow + b * queries + i) * heads + h) * valueDim + d]!;
  });
  if (layout === 'rank 3' || logSumExp === undefined) return { output: own, logSumExp: logSumExp?.data };
  const rows = logSumExp.shape[1]!;
  const sums = Float32Array.from({ length: heads * queries }, (_, row) => {
    const [i, h] = [row % queries, Math.floor(row / queries)];
    return logSumExp.data[h * rows + firstRow + i]!;
  });
  return { output: own, logSumExp: sums };
}
