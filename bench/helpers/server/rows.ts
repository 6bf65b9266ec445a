// Rows of a server: what HTTP takes from the rate of the library, and what it adds to a call.
import { describeRatios, lessDeviation } from '../../../src/measure/pairs.js';
import { median } from '../../../src/measure/statistics.js';
import { callersTitle } from '../calls/many-callers.js';
import { joinSummaries, type Row } from '../calls/row.js';
import { compareCosts, controlOf, type Turns } from '../calls/turns.js';
import { aloneTokens, type Sample } from './sample.js';

/** @throws RangeError if the server answers other bytes than the library */
export function rowsOf({ ours, theirs }: Turns<Sample, Sample>): Row[] {
  const digests = new Set([...ours, ...theirs].map(({ digest }) => digest));
  if (digests.size > 1) throw new RangeError('The server answered other bytes than the library');
  const engine = theirs[0]!.engine!;
  const costsOf = (samples: readonly Sample[]): number[] => samples.map(({ costMs }) => costMs);
  const rate = compareCosts({ ours: costsOf(ours), theirs: costsOf(theirs) });
  const pairs = (value: (server: Sample, inProcess: Sample) => number) =>
    describeRatios(ours.map((server, round) => value(server, theirs[round]!)));
  const added = pairs((server, inProcess) => server.alone.median - inProcess.alone.median);
  const aloneControl = controlOf(ours.map(({ alone }) => alone.median));
  const tails = pairs((server, inProcess) => server.together.p99 / inProcess.together.p99);
  const tailControl = controlOf(ours.map(({ together }) => together.p99));
  const summaries = (name: 'alone' | 'together') => ({
    ours: joinSummaries(ours.map((sample) => sample[name])),
    theirs: joinSummaries(theirs.map((sample) => sample[name])),
  });
  return [
    {
      ...{ name: 'rate', what: `${callersTitle}: tokens/s of the library in process`, unit: 'share' },
      ...{ found: rate.safeRatio, goal: { bar: 0.75, aim: 0.9 }, spread: rate.ratio },
      ...{ control: rate.control, ...summaries('together'), engine },
    },
    {
      ...{ name: 'tail', what: `${callersTitle}: p99 over that in process`, unit: 'multiple' },
      ...{ found: lessDeviation(tails, tailControl), goal: { bar: 3, aim: 1.5 }, spread: tails },
      ...{ control: tailControl, ...summaries('together'), engine },
    },
    {
      ...{
        name: 'idle',
        what: `one connection, T = ${aloneTokens}: added to the median`,
        unit: 'milliseconds',
      },
      ...{ found: added.median, goal: { bar: 1, aim: 0.5 }, spread: added },
      ...{ control: aloneControl, ...summaries('alone'), engine },
    },
  ];
}

/** What of the machine the clients took, at the median. */
export function clientShare(ours: readonly Sample[]): number {
  return median(ours.map(({ cpuShare }) => cpuShare));
}
