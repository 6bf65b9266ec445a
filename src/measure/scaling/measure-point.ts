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

/** The one worker by itself: what all other points are held against, so that its speed-up is 1. */
export async function measureOne(one: Side, { seconds, signal }: PointOptions): Promise<MeasuredPoint> {
  const recorder = new Recorder(one);
  await comparePairs({
    ours: recorder.run,
    theirs: recorder.run,
    seconds,
    sampleMs: shortMs,
    between: () => {
      signal?.throwIfAborted();
      recorder.start();
      return Promise.resolve();
    },
  });
  return {
    workers: 1,
    work: one.work,
    ...recorder.result(),
    speedUp: 1,
    speedUpInterval: { low: 1, high: 1 },
    efficiency: 1,
    peakSpeedUp: 1,
    peakEfficiency: 1,
  };
}

/** @param one the same work on one worker, or the smaller one of weak scaling */
export async function measureMany(
  one: Side,
  many: Side,
  { seconds, signal }: PointOptions,
): Promise<MeasuredPoint> {
  const peakOfOne = await calibratePeak(one.engine, peakSampleMs);
  const peakOfMany = await calibratePeak(many.engine, peakSampleMs);
  const peakRatios: number[] = [];
  const recorder = new Recorder(many);
  const { ratio } = await comparePairs({
    ours: recorder.run,
    theirs: () => one.prepared.call(),
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
  const speedUp = growth * ratio.median;
  const peakSpeedUp = median(peakRatios);
  return {
    workers,
    work: many.work,
    ...recorder.result(),
    speedUp,
    speedUpInterval: { low: growth * ratio.interval.low, high: growth * ratio.interval.high },
    efficiency: speedUp / workers,
    peakSpeedUp,
    peakEfficiency: speedUp / peakSpeedUp,
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
