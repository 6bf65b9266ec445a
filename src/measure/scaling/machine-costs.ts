// What an experiment must know of a machine first: what so many workers cost and give whatever they compute, and how
// much work along an axis takes about as long as wanted on one worker.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../engine/engine.js';
import { prepareCase } from '../cases/prepare.js';
import { time } from '../pairs.js';
import { calibratePeak } from '../peak.js';
import { median } from '../statistics.js';
import type { ScalingAxis } from './results.js';
import { shapeOf, sizeFor, workOf } from './work.js';

/** Of so many workers. */
export interface MachineCosts {
  /** FLOP a second of nothing but multiply-adds, all workers together. */
  readonly peak: number;
  /** A call that has next to nothing to do. */
  readonly tinyCallMs: number;
}

/** Length of a measurement of the peak. */
export const peakSampleMs = 20;
const peakSamples = 5;
const tinyCalls = 15;
// As long as between the samples of pairs, so that workers sleep as deeply.
const gapMs = 5;

export async function measureMachineCosts(engine: Engine): Promise<MachineCosts> {
  const meter = await calibratePeak(engine, peakSampleMs);
  const peaks: number[] = [];
  while (peaks.length < peakSamples) peaks.push(await meter());
  // One token for each worker: attention has a unit for each of them, and all are woken.
  const shape = shapeOf({ modelDim: 64, heads: 1, tokens: 1, batch: engine.info.threads });
  using tiny = await prepareCase(engine, shape);
  await tiny.call();
  const calls: number[] = [];
  while (calls.length < tinyCalls) {
    await sleep(gapMs);
    calls.push(await time(() => tiny.call()));
  }
  return { peak: median(peaks), tinyCallMs: median(calls) };
}

// Enough to tell its time from that of dispatch, on the slowest kernel still short.
const firstFlop = 2e7;
const mostRounds = 6;
// The size is a whole number and the machine isn't still: nearer isn't worth another round.
const nearEnough = 0.15;

/** The size whose call takes about `callMs` on the engine. @throws MEMORY_LIMIT */
export async function calibrateSize(engine: Engine, axis: ScalingAxis, callMs: number): Promise<number> {
  let size = sizeFor(axis, firstFlop);
  for (let round = 0; round < mostRounds; round++) {
    const work = workOf(axis, size);
    using prepared = await prepareCase(engine, shapeOf(work));
    // The shorter of two calls after one that warms up.
    await prepared.call();
    const call = () => prepared.call();
    const ms = Math.min(await time(call), await time(call));
    if (Math.abs(ms / callMs - 1) <= nearEnough) break;
    // Small calls say little of large ones: what is cheap in a cache gets dearer outside.
    const growth = Math.min(64, callMs / ms);
    const next = sizeFor(axis, work.flop * growth);
    if (next === size) break;
    size = next;
  }
  return size;
}
