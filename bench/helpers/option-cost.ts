// What an option costs: its call in alternating pairs with the plain one, and a bar that the time is held against.
import type { Summary } from '../../src/measure/statistics.js';
import type { Bar } from './outcome.js';
import { comparePairs, type Contestant, type Ratio } from '../../src/measure/pairs.js';

/** The most time that a call may take, the plain call's being 1. */
export interface Limit {
  readonly mostTime: number;
  /** In words. */
  readonly wanted: string;
}

export function slower(percent: number): Limit {
  return { mostTime: 1 + percent / 100, wanted: `at most ${percent} % slower` };
}

export function faster(times: number): Limit {
  return { mostTime: 1 / times, wanted: `at least ${times} times faster` };
}

export function shareOfTime(percent: number): Limit {
  return { mostTime: percent / 100, wanted: `at most ${percent} % of the time` };
}

export interface Cost {
  readonly name: string;
  /** Milliseconds of a call. */
  readonly plain: Summary;
  readonly option: Summary;
  /** Its time over the plain one's. */
  readonly ratio: Ratio;
  /** The same call against itself. */
  readonly control: Ratio;
  /** Attended pairs of a query and a key, those of the plain call being 1; the bar's time counts by them. */
  readonly share: number;
  /** The ratio's median for the same pairs, with the control's deviation from 1 put on: what a claim may rest on. */
  readonly safeTime: number;
  readonly limit?: Limit;
}

export interface CostOptions {
  readonly name: string;
  readonly plain: Contestant;
  readonly option: Contestant;
  readonly seconds: number;
  /** As in `comparePairs`. */
  readonly leastPairs?: number;
  readonly sampleMs?: number;
  /** Which one is run against itself; the quicker of two that lie far apart. Default 'plain'. */
  readonly control?: 'plain' | 'option';
  /** Default 1. */
  readonly share?: number;
  readonly limit?: Limit | undefined;
}

export async function measureCost(options: CostOptions): Promise<Cost> {
  const { name, plain, option, control: controlled = 'plain', share = 1, limit, ...pairs } = options;
  const isPlainOurs = controlled === 'plain';
  const [ours, theirs] = isPlainOurs ? [plain, option] : [option, plain];
  const found = await comparePairs({ ours, theirs, ...pairs });
  const ratio = isPlainOurs ? found.ratio : invert(found.ratio);
  const deviation = Math.max(found.control.median, 1 / found.control.median);
  return {
    name,
    plain: isPlainOurs ? found.ours : found.theirs,
    option: isPlainOurs ? found.theirs : found.ours,
    ratio,
    control: found.control,
    share,
    safeTime: (ratio.median * deviation) / share,
    ...(limit !== undefined && { limit }),
  };
}

function invert({ median, interval, p10, p90 }: Ratio): Ratio {
  return {
    median: 1 / median,
    interval: { low: 1 / interval.high, high: 1 / interval.low },
    ...{ p10: 1 / p90, p90: 1 / p10 },
  };
}

export function barOf({ name, share, safeTime, limit }: Cost): Bar[] {
  if (limit === undefined) return [];
  return [
    {
      name: `${name}, time ${share === 1 ? '' : 'of an attended pair '}with the deviation of the control`,
      found: describeTime(safeTime),
      wanted: limit.wanted,
      isMet: safeTime <= limit.mostTime,
    },
  ];
}

/** '12 % slower', or '52 % of the time, 1.9 times faster'. */
function describeTime(time: number): string {
  if (time >= 1) return `${((time - 1) * 100).toFixed(1)} % slower`;
  return `${(time * 100).toFixed(1)} % of the time, ${(1 / time).toFixed(2)} times faster`;
}

// Such a control says that the machine did something else at the time.
const mostDeviation = 0.1;

/** What a reader must know of costs that were measured on a busy machine. */
export function noteNoisy(costs: readonly Cost[]): string[] {
  const noisy = costs.filter(({ control }) => Math.abs(Math.log(control.median)) > Math.log1p(mostDeviation));
  if (noisy.length === 0) return [];
  const names = noisy.map(({ name }) => name).join(', ');
  return [`The control is off by over ${mostDeviation * 100} %, measure again: ${names}`];
}
