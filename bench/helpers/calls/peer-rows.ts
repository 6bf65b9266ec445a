// Rows in which ours is timed against onnxruntime-node, call after call.
import { progress } from '../outcome.js';
import { openContest } from './contest.js';
import { joinSummaries, type Goal, type RowGroup } from './row.js';
import type { Manner } from './sample-calls.js';
import { compareCosts, takeTurns } from './turns.js';
import type { Work } from './works.js';

export interface PeerRow {
  readonly name: string;
  readonly what: string;
  readonly work: Work;
  readonly manner: Manner;
  /** How many times as fast we must be, and want to be. */
  readonly goal: Goal;
}

export function peerRow({ name, what, work, manner, goal }: PeerRow): RowGroup {
  return {
    names: [name],
    hasPeer: true,
    measure: async (lab) => {
      const contest = await openContest(name, work, manner, lab);
      progress(`${name}: ${lab.rounds} rounds`);
      const { ours, theirs } = await takeTurns(lab.rounds, contest);
      const costs = { ours: ours.map(({ costMs }) => costMs), theirs: theirs.map(({ costMs }) => costMs) };
      const { ratio, control, safeRatio } = compareCosts(costs);
      return [
        {
          ...{ name, what: `${what} against onnxruntime-node ${theirs[0]!.version} (${contest.form})` },
          ...{ unit: 'times', found: safeRatio, goal, spread: ratio, control },
          ours: joinSummaries(ours.map(({ latencyMs }) => latencyMs!)),
          theirs: joinSummaries(theirs.map(({ latencyMs }) => latencyMs!)),
          engine: ours[0]!.engine!,
        },
      ];
    },
  };
}
