// One point of a curve: many workers against one, in pairs measured in turn, with the peaks of both in between.
import type { Engine } from '../../engine/engine.js';
import type { PreparedCase } from '../cases/prepare.js';
import { meanPhases } from '../grid/cells.js';
import { comparePairs, time } from '../pairs.js';
import { calibratePeak } from '../peak.js';
import { mean, median, medianInterval, summarise } from '../statistics.js';
import { peakSampleMs } from './machine-costs.js';
import type { ScalingPoint, ScalingWork } from './results.js';

/** A work on an engine. */
export interface Side {
  readonly engine: Engine;
  readonly prepared: PreparedCase;
  readonly work: ScalingWork;
}

/** All of a point but what the simulation adds. */
export type MeasuredPoint = Omit<ScalingPoint, 'waitShare'>;

export interface PointOptions {
  readonly seconds: number;
  /** Looked at between pairs. */
  readonly signal: AbortSignal | undefined;
}

// Shorter calls are measured several in a row: the pause before each would be a good part of what is measured.
const shortMs = 10;

/**
 * @param one the same work on one worker, or the smaller one of weak scaling
 * @param many the one worker itself too: what all other points are held against, so that its speed-up is 1
 */
export async function measurePoint(
  one: Side,
  many: Side,
  { seconds, signal }: PointOptions,
): Promise<MeasuredPoint> {
  const isOne = one === many;
  const peakOfOne = await calibratePeak(one.engine, peakSampleMs);
  const peakOfMany = isOne ? peakOfOne : await calibratePeak(many.engine, peakSampleMs);
  const peakRatios: number[] = [];
  const recorder = new Recorder(many);
  const { ratio, control } = await comparePairs({
    ours: recorder.run,
    theirs: isOne ? recorder.run : () => one.prepared.call(),
    seconds,
    sampleMs: shortMs,
    between: async () => {
      signal?.throwIfAborted();
      const alone = await peakOfOne();
      peakRatios.push((await peakOfMany()) / alone);
      recorder.start();
    },
  });
  const { threads: workers } = many.engine.info;
  // Work a second over work a second.
  const growth = many.work.flop / one.work.flop;
  const times = isOne ? { median: 1, interval: { low: 1, high: 1 } } : ratio;
  const speedUp = growth * times.median;
  const peakSpeedUp = isOne ? 1 : median(peakRatios);
  return {
    workers,
    work: many.work,
    ...recorder.result(),
    speedUp,
    speedUpInterval: { low: growth * times.interval.low, high: growth * times.interval.high },
    efficiency: speedUp / workers,
    peakSpeedUp,
    peakEfficiency: speedUp / peakSpeedUp,
    control: { median: control.median, interval: control.interval },
  };
}

/** Times every call from the first pair on, and reads from the engine's statistics where the time went. */
class Recorder {
  readonly run: () => Promise<void>;
  readonly #engine: Engine;
  readonly #samples: number[] = [];
  #phasesBefore: Readonly<Record<string, number>> | undefined;

  constructor({ engine, prepared }: Side) {
    this.#engine = engine;
    this.run = async () => {
      this.#samples.push(await time(() => prepared.call()));
    };
  }

  /** What ran before the first call of this was a warm-up. */
  start(): void {
    if (this.#phasesBefore !== undefined) return;
    this.#phasesBefore = this.#engine.stats().phaseMs;
    this.#samples.length = 0;
  }

  result(): Pick<ScalingPoint, 'ms' | 'interval' | 'phaseMs' | 'dispatchMs'> {
    const samples = this.#samples;
    const phaseMs = meanPhases(
      { calls: 0, phaseMs: this.#phasesBefore! },
      { calls: samples.length, phaseMs: this.#engine.stats().phaseMs },
    );
    const inPhases = Object.values(phaseMs).reduce((a, b) => a + b, 0);
    return {
      ms: summarise(samples),
      interval: medianInterval(samples),
      phaseMs,
      dispatchMs: Math.max(0, mean(samples) - inPhases),
    };
  }
}
