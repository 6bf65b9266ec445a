// Rows of many callers: against one ragged batch of the same sequences, against onnxruntime-node, and what the event loop
// of the host notices.
import { describeRatios, lessDeviation } from '../../../src/measure/pairs.js';
import { median } from '../../../src/measure/statistics.js';
import { progress } from '../outcome.js';
import { askProcess } from './ask-process.js';
import { openContest } from './contest.js';
import { callers, callersTitle as what, callersWork as work } from './many-callers.js';
import type { Row, RowGroup } from './row.js';
import type { CallersAnswer, CallersRequest } from './sample-callers.js';
import { compareCosts, controlOf, takeTurns } from './turns.js';

const batchRow = 'callers-batch';
const peerRow = 'callers-peer';
const lagRow = 'callers-lag';

export const callersRows: RowGroup = {
  names: [batchRow, peerRow, lagRow],
  hasPeer: true,
  measure: async (lab) => {
    const { rounds, seconds, threads } = lab;
    const contest = await openContest('callers', work, { kind: 'many callers', callers }, lab);
    progress(`callers: ${rounds} rounds`);
    const reference = { path: contest.referencePath, isWritten: false };
    // Half of it are batches.
    const request: CallersRequest = { work, callers, threads, seconds: 2 * seconds, reference };
    const { ours, theirs } = await takeTurns(rounds, {
      ours: () => askProcess<CallersAnswer>('sample-callers', request),
      theirs: contest.theirs,
    });
    const costs = ours.map(({ callersMs }) => median(callersMs));
    const control = controlOf(costs);
    const common = { control, ours: null, theirs: null, engine: ours[0]!.engine };
    const shares = describeRatios(
      ours.flatMap(({ callersMs, batchMs }) => batchMs.map((ms, turn) => ms / callersMs[turn]!)),
    );
    const against = compareCosts({ ours: costs, theirs: theirs.map(({ costMs }) => costMs) });
    const lags = ours.map(({ delayMs, idleDelayMs }) => Math.max(0, delayMs - idleDelayMs));
    const lag = describeRatios(lags);
    const { version } = theirs[0]!;
    return [
      {
        ...{ ...common, name: batchRow, unit: 'share', what: `${what}, tokens/s of one ragged batch` },
        found: lessDeviation(shares, control),
        goal: { bar: 0.9, aim: 1 },
        spread: shares,
      },
      {
        ...{ ...common, name: peerRow, unit: 'times' },
        what: `${what} against onnxruntime-node ${version} (${contest.form})`,
        found: against.safeRatio,
        goal: { bar: 1.1, aim: 1.4 },
        spread: against.ratio,
      },
      {
        ...{ ...common, name: lagRow, unit: 'milliseconds', what: `${what}, p99 of the event loop's lag` },
        found: lag.median,
        goal: { bar: 10, aim: 3 },
        spread: lag,
      },
    ] satisfies readonly Row[];
  },
};
