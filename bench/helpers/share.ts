// How much of what the machine could do a piece of work reaches, both measured by turns in one run.
import { summarise, type Summary } from '../../src/measure/statistics.js';

export interface Share {
  /** Milliseconds of a run. */
  readonly latencyMs: Summary;
  /** What the machine does a second, in the unit of `perSecond`. */
  readonly limit: Summary;
  /** Reached in the median. */
  readonly perSecond: number;
  /** 1 is the limit. */
  readonly share: number;
}

export function shareOf(latencyMs: Summary, amount: number, limit: Summary): Share {
  const perSecond = (amount / latencyMs.median) * 1e3;
  return { latencyMs, limit, perSecond, share: perSecond / limit.median };
}

export interface ShareOptions {
  /** Runs once and tells how many milliseconds that took. */
  readonly work: () => Promise<number>;
  /** What a run does, in FLOP or bytes. */
  readonly amount: number;
  /** Measures what the machine does a second. */
  readonly limit: () => Promise<number>;
  /** Stop after this long … */
  readonly seconds: number;
  /** … but not before so many samples; default 10. */
  readonly leastSamples?: number;
}

export async function measureShare(options: ShareOptions): Promise<Share> {
  const { work, amount, limit, seconds, leastSamples = 10 } = options;
  await work();
  await limit();
  const times: number[] = [];
  const limits: number[] = [];
  const end = performance.now() + seconds * 1e3;
  while (performance.now() < end || times.length < leastSamples) {
    limits.push(await limit());
    times.push(await work());
  }
  return shareOf(summarise(times), amount, summarise(limits));
}

/** '68 %' */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
