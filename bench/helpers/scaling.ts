// Two workers against one on the same attention, with the rate of nothing but multiply-adds measured between the pairs.
import type { Engine } from '../../src/index.js';
import { calibratePeak } from '../../src/measure/peak.js';
import { summarise } from '../../src/measure/statistics.js';
import type { AttentionCase } from './attention-case.js';
import { comparePairs, type PairResult } from '../../src/measure/pairs.js';
import { shareOf, type Share } from './share.js';

export interface Scaling extends Pick<PairResult, 'ratio' | 'control' | 'safeRatio'> {
  readonly one: Share;
  readonly two: Share;
  /** How many times faster two workers run nothing but multiply-adds. */
  readonly peakSpeedUp: number;
}

export interface ScalingOptions {
  readonly attention: AttentionCase;
  readonly one: Engine;
  readonly two: Engine;
  readonly seconds: number;
}

/** Checks both, then times. @throws RangeError if an output is wrong */
export async function measureScaling({ attention, one, two, seconds }: ScalingOptions): Promise<Scaling> {
  for (const engine of [one, two]) await attention.check(engine);
  const meters = { one: await calibratePeak(one), two: await calibratePeak(two) };
  const peaks = { one: [] as number[], two: [] as number[] };
  const { ours, theirs, ratio, control, safeRatio } = await comparePairs({
    ours: () => two.attention(attention.inputs),
    theirs: () => one.attention(attention.inputs),
    seconds,
    between: async () => {
      peaks.one.push(await meters.one());
      peaks.two.push(await meters.two());
    },
  });
  const limits = { one: summarise(peaks.one), two: summarise(peaks.two) };
  return {
    one: shareOf(theirs, attention.flop, limits.one),
    two: shareOf(ours, attention.flop, limits.two),
    peakSpeedUp: limits.two.median / limits.one.median,
    ...{ ratio, control, safeRatio },
  };
}
