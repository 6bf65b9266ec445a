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
import type { Program, ProgramContext, Scratch } from '../dispatch.js';
import { openBlockSums } from './block-sums.js';
import { wordsTable } from './table.js';

export function contributeProgram(
  { valueDim, concat, gram, statistics }: ContributeWork,
  [entries]: readonly Float64Array[],
  { views }: ProgramContext,
): Program {
  const rows = contributingRows(concat, entries!);
  const heads = gram.columns / valueDim;
  const call: ContributeCall = { heads, valueDim, concat, rows };
  const norms: Scratch = { kind: 'scratch', byteLength: 4 * rows.length * heads };
  const blocks = openBlockSums(statistics, entries!, views);
  return {
    dispatches: [
      {
        shader: contributeShader(contributeForm(call)),
        uniform: contributeUniform(call),
        bound: [wordsTable(rows), concat.data, gram.region, norms],
        groups: contributeGroups(call),
      },
    ],
    readBacks: [
      {
        from: norms,
        conclude: (found) => {
          blocks.clear(heads, [blockStatistic.contributionNorm]);
          blocks.forEachRow((entry, query, row) => {
            for (let head = 0; head < heads; head++) {
              blocks.add({ entry, query, head }, blockStatistic.contributionNorm, found[row * heads + head]!);
            }
          });
        },
      },
    ],
  };
}
