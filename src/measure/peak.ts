// The multiply-add rate of a machine under an engine's kernel: what its products are held against. Measured by
// `engine.measurePeak`, which runs nothing but multiply-adds on registers in every worker.
import type { Engine } from '../engine/engine.js';
import { summarise, type Summary } from './statistics.js';

/** What is needed of an engine. */
export type PeakEngine = Pick<Engine, 'info' | 'measurePeak'>;

/** Measures the rate once: FLOP a second of all workers together. Takes about the time that it was calibrated for. */
export type PeakMeter = () => Promise<number>;

export interface PeakRate {
  readonly threads: number;
  /** FLOP a second of all workers together, over the samples. */
  readonly flopPerSecond: Summary;
  /** The median shared among the workers. */
  readonly perThread: number;
}

export interface PeakOptions {
  /** Default 7. */
  readonly samples?: number;
  /** Length of a sample; default 50: long against dispatch (0.05 ms), short against what else the machine does. */
  readonly sampleMs?: number;
}

const firstRounds = 10_000;
// Rounds are an Int32 in the table of units.
const mostRounds = 2 ** 31 - 1;

/**
 * Warms up and finds how many rounds take `sampleMs` (default 50).
 * @throws WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED
 */
export async function calibratePeak(engine: PeakEngine, sampleMs = 50): Promise<PeakMeter> {
  let rounds = firstRounds;
  for (;;) {
    const start = performance.now();
    await engine.measurePeak(rounds);
    const elapsedMs = performance.now() - start;
    // From half the wanted length on the elapsed time is the loop's and not the dispatch's.
    const isLongEnough = elapsedMs >= sampleMs / 2;
    const growth = isLongEnough ? sampleMs / elapsedMs : Math.min(16, (2 * sampleMs) / elapsedMs);
    rounds = Math.min(mostRounds, Math.max(1, Math.round(rounds * growth)));
    if (isLongEnough || rounds === mostRounds) return () => engine.measurePeak(rounds);
  }
}

/**
 * The multiply-add rate over several samples; the first one warms up and doesn't count.
 * @throws WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED
 */
export async function measurePeak(engine: PeakEngine, options: PeakOptions = {}): Promise<PeakRate> {
  const { samples = 7, sampleMs } = options;
  const meter = await calibratePeak(engine, sampleMs);
  await meter();
  const rates: number[] = [];
  while (rates.length < samples) rates.push(await meter());
  const flopPerSecond = summarise(rates);
  const { threads } = engine.info;
  return { threads, flopPerSecond, perThread: flopPerSecond.median / threads };
}
