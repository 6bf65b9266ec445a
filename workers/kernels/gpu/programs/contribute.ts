// Norms of what heads contribute to the output of a layer: a number a row and head from the device, summed by the host.
import type { ContributeWork } from '../../../../src/core/protocol/layer-work.js';
import { blockStatistic } from '../../../../src/core/protocol/statistics.js';
import {
  contributeForm,
  contributeGroups,
  contributeShader,
  contributeUniform,
  contributingRows,
  type ContributeCall,
} from '../contribute.js';
import type { Bound, Dispatch, Program, ProgramContext, ReadBack, Scratch } from '../dispatch.js';
import { BindingLimit } from './binding-limit.js';
import { openBlockSums } from './block-sums.js';
import { runsOfRows, type RunOfRows } from './row-runs.js';
import { wordsTable } from './table.js';

export function contributeProgram(
  work: ContributeWork,
  [entries]: readonly Float64Array[],
  { views, limits }: ProgramContext,
): Program {
  const { valueDim, gram, concat } = work;
  const heads = gram.columns / valueDim;
  const rows = contributingRows(concat, entries!);
  const runs = runsOf(work, rows, heads, new BindingLimit(limits));
  const norms = runs.map(({ first, end }): Scratch => ({
    kind: 'scratch',
    byteLength: 4 * (end - first) * heads,
  }));
  return {
    dispatches: runs.map(({ table, bound }, n) =>
      dispatchOf(work, { heads, rows: table }, bound[0]!, norms[n]!),
    ),
    readBacks: readBacksOf(work, entries!, { heads, runs, norms }, views),
  };
}

/** All rows where a binding holds them. */
function runsOf(
  { valueDim, concat, gram }: ContributeWork,
  table: Uint32Array,
  heads: number,
  limit: BindingLimit,
): RunOfRows[] {
  limit.require({ 'Gram matrices of the output': gram.region });
  // The heads of a row together.
  const width = (heads - 1) * concat.headStride + valueDim;
  const operands = [{ name: 'the outputs of heads', of: concat.data, headStride: 0, width }];
  const fits = (rows: number): boolean => limit.holds({ kind: 'scratch', byteLength: 4 * rows * heads });
  return runsOfRows({ table, rowWords: 1, operands, heads: 1, fits }, limit);
}

function dispatchOf(
  { valueDim, concat, gram }: ContributeWork,
  { heads, rows }: Pick<ContributeCall, 'heads' | 'rows'>,
  outputs: Bound,
  norms: Scratch,
): Dispatch {
  const call: ContributeCall = { heads, valueDim, concat, rows };
  return {
    shader: contributeShader(contributeForm(call)),
    uniform: contributeUniform(call),
    bound: [wordsTable(rows), outputs, gram.region, norms],
    groups: contributeGroups(call),
  };
}

interface Norms {
  readonly heads: number;
  readonly runs: readonly RunOfRows[];
  /** [rows of a run, heads] */
  readonly norms: readonly Scratch[];
}

function readBacksOf(
  { statistics }: ContributeWork,
  entries: Float64Array,
  { heads, runs, norms }: Norms,
  views: ProgramContext['views'],
): ReadBack[] {
  const blocks = openBlockSums(statistics, entries, views);
  return runs.map(({ first, end }, n) => ({
    from: norms[n]!,
    conclude: (found) => {
      if (n === 0) blocks.clear(heads, [blockStatistic.contributionNorm]);
      blocks.forEachRow((entry, query, row) => {
        if (row < first || row >= end) return;
        for (let head = 0; head < heads; head++) {
          const norm = found[(row - first) * heads + head]!;
          blocks.add({ entry, query, head }, blockStatistic.contributionNorm, norm);
        }
      });
    },
  }));
}
