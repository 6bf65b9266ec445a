// One point of a curve: many workers against one, in pairs measured in turn, with the peaks of both in between.
import type { Engine } from '../../engine/engine.js';
import type { EngineStats } from '../../engine/stats.js';
import { comparePairs, type PairResult } from '../pairs.js';
import { calibratePeak, type PeakMeter } from '../peak.js';
import { median, medianInterval, summarise } from '../statistics.js';
import { time } from '../time.js';
import type { WorkLayer } from './layer.js';
import { peakSampleMs } from './machine-costs.js';
import type { ScalingPoint, ScalingWork } from './results.js';

/** A work on an engine. */
export interface Side {
  readonly engine: Engine;
  readonly layer: WorkLayer;
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
export async function measureOne(
  { engine, layer, work }: Side,
  { seconds, signal }: PointOptions,
): Promise<MeasuredPoint> {
  const recorder = new Recorder(engine, layer);
  await comparePairs({
    ...{ ours: recorder.run, theirs: recorder.run, seconds, sampleMs: shortMs },
    between: () => {
      signal?.throwIfAborted();
      recorder.start();
      return Promise.resolve();
    },
  });
  const exactly = { low: 1, high: 1 };
  const ratios = { speedUp: 1, speedUpInterval: exactly, efficiency: 1, peakSpeedUp: 1, peakEfficiency: 1 };
  return { workers: 1, work, ...recorder.result(), ...ratios };
}

/** @param one the same work on one worker, or the smaller one of weak scaling */
export async function measureMany(
  one: Side,
  many: Side,
  { seconds, signal }: PointOptions,
): Promise<MeasuredPoint> {
  const meters = {
    one: await calibratePeak(one.engine, peakSampleMs),
    many: await calibratePeak(many.engine, peakSampleMs),
  };
  const peakRatios: number[] = [];
  const recorder = new Recorder(many.engine, many.layer);
  const { ratio } = await comparePairs({
    ...{ ours: recorder.run, theirs: one.layer.run, seconds, sampleMs: shortMs },
    between: async () => {
      signal?.throwIfAborted();
      peakRatios.push(await ratioOfPeaks(meters));
      recorder.start();
    },
  });
  const { threads: workers } = many.engine.info;
  const growth = many.work.flop / one.work.flop;
  const { speedUp, speedUpInterval } = speedUpsOf(ratio, growth);
  const peakSpeedUp = median(peakRatios);
  return {
    ...{ workers, work: many.work, ...recorder.result(), speedUp, speedUpInterval, peakSpeedUp },
    efficiency: speedUp / workers,
    peakEfficiency: speedUp / peakSpeedUp,
  };
}

async function ratioOfPeaks({ one, many }: Readonly<Record<'one' | 'many', PeakMeter>>): Promise<number> {
  const alone = await one();
  return (await many()) / alone;
}

/** Work a second over work a second. */
function speedUpsOf(
  { median: middle, interval: { low, high } }: PairResult['ratio'],
  growth: number,
): Pick<ScalingPoint, 'speedUp' | 'speedUpInterval'> {
  return { speedUp: growth * middle, speedUpInterval: { low: growth * low, high: growth * high } };
}

/** Times every call of a layer from the first pair on, and reads from the engine's statistics where the time went. */
class Recorder {
  readonly run: () => Promise<void>;
  readonly #engine: Engine;
  readonly #samples: number[] = [];
  #before: EngineStats | undefined;

  constructor(engine: Engine, layer: WorkLayer) {
    this.#engine = engine;
    this.run = async () => {
      this.#samples.push(await time(layer.run));
    };
  }

  /** What ran before the first call of this was a warm-up. */
  start(): void {
    if (this.#before !== undefined) return;
    this.#before = this.#engine.stats();
    this.#samples.length = 0;
  }

  result(): Pick<ScalingPoint, 'ms' | 'interval' | 'phaseMs' | 'dispatchMs'> {
    const samples = this.#samples;
    const { phaseMs: before } = this.#before!;
    const after = Object.entries(this.#engine.stats().phaseMs);
    const phases = after.map(([name, ms]) => {
      const earlier = before[name as keyof typeof before] ?? 0;
      return [name, (ms - earlier) / samples.length] as const;
    });
    const meanMs = samples.reduce((a, b) => a + b, 0) / samples.length;
    const inPhases = phases.reduce((sum, [, ms]) => sum + ms, 0);
    return {
      ms: summarise(samples),
      interval: medianInterval(samples),
      phaseMs: Object.fromEntries(phases.filter(([, ms]) => ms > 0)),
      dispatchMs: Math.max(0, meanMs - inPhases),
    };
  }
}
