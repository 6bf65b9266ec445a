// Two contestants compared within one run: alternating pairs (A B B A …), so that whatever slows the machine down hits
// both alike, and pairs of one of them with itself (A A) as the control that says how much a ratio means.
import { setTimeout as sleep } from 'node:timers/promises';
import { median, medianInterval, summarise, type Interval, type Summary } from './statistics.js';

/** One thing to time. */
export type Contestant = () => Promise<unknown>;

export interface PairOptions {
  readonly ours: Contestant;
  readonly theirs: Contestant;
  /** Stop after this long … */
  readonly seconds: number;
  /** … but not before so many pairs; default 5. */
  readonly leastPairs?: number;
  /** Pause before each sample; default 5 ms, in which the other's threads stop looking for work. */
  readonly gapMs?: number;
  /**
   * A sample is as many calls in a row as take about this long, at least one; default 0. A pause before every short call
   * would measure cold caches and sleeping threads.
   */
  readonly sampleMs?: number;
  /** Runs between the pairs and isn't timed: a measurement of the machine, say. */
  readonly between?: () => Promise<void>;
}

export interface Ratio {
  readonly median: number;
  /** Where the median lies with 95 % confidence. */
  readonly interval: Interval;
  /** The spread of the pairs themselves. */
  readonly p10: number;
  readonly p90: number;
}

export interface PairResult {
  /** Milliseconds of a call. */
  readonly ours: Summary;
  readonly theirs: Summary;
  /** Their time over ours: how many times faster we are. */
  readonly ratio: Ratio;
  /** Our time over ours: 1 on a quiet machine. */
  readonly control: Ratio;
  /** The ratio less the control's deviation. */
  readonly safeRatio: number;
}

/** The ratio's median with the control's deviation from 1 taken off: what a claim may rest on. */
export function lessDeviation(ratio: Ratio, control: Ratio): number {
  return ratio.median / Math.max(control.median, 1 / control.median);
}

export function describeRatios(ratios: readonly number[]): Ratio {
  const { p10, p90 } = summarise(ratios);
  return { median: median(ratios), interval: medianInterval(ratios), p10, p90 };
}

/** Times both after a warm-up each. */
export async function comparePairs(options: PairOptions): Promise<PairResult> {
  const { seconds, leastPairs = 5, gapMs = 5, sampleMs = 0, between } = options;
  const calls = Math.max(
    await countCalls(options.ours, sampleMs),
    await countCalls(options.theirs, sampleMs),
  );
  const ours = inARow(calls, options.ours);
  const theirs = inARow(calls, options.theirs);
  const samples = { ours: [] as number[], theirs: [] as number[] };
  const ratios: number[] = [];
  const controls: number[] = [];
  const end = performance.now() + seconds * 1e3;
  while (performance.now() < end || ratios.length < leastPairs) {
    await between?.();
    const isOursFirst = ratios.length % 2 === 0;
    const first = await timeAfter(gapMs, isOursFirst ? ours : theirs);
    const second = await timeAfter(gapMs, isOursFirst ? theirs : ours);
    const [our, their] = isOursFirst ? [first, second] : [second, first];
    samples.ours.push(our / calls);
    samples.theirs.push(their / calls);
    ratios.push(their / our);

    const [a, b] = [await timeAfter(gapMs, ours), await timeAfter(gapMs, ours)];
    controls.push(isOursFirst ? a / b : b / a);
  }
  const ratio = describeRatios(ratios);
  const control = describeRatios(controls);
  return {
    ours: summarise(samples.ours),
    theirs: summarise(samples.theirs),
    ratio,
    control,
    safeRatio: lessDeviation(ratio, control),
  };
}

/** Milliseconds that a run takes. */
export async function time(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function timeAfter(gapMs: number, contestant: Contestant): Promise<number> {
  await sleep(gapMs);
  return time(contestant);
}

/** Warms up, and finds how many calls take about `sampleMs`. */
async function countCalls(contestant: Contestant, sampleMs: number): Promise<number> {
  await contestant();
  const start = performance.now();
  let calls = 0;
  do {
    await contestant();
    calls++;
  } while (performance.now() - start < sampleMs);
  return calls;
}

function inARow(calls: number, contestant: Contestant): Contestant {
  return async () => {
    for (let n = 0; n < calls; n++) await contestant();
  };
}
