// What so many workers cost and give on this machine, whatever they compute: their rate of multiply-adds together, and
// the milliseconds of a call that has next to nothing to do.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../engine/engine.js';
import { calibratePeak } from '../peak.js';
import { median } from '../statistics.js';
import { time } from '../time.js';
import { createOperands, openWorkLayer } from './layer.js';

export interface MachineCosts {
  /** FLOP a second. */
  readonly peak: number;
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
  const shape = { modelDim: 64, heads: 1, tokens: 1, batch: engine.info.threads };
  using layer = await openWorkLayer(engine, createOperands({ ...shape, flop: 0 }));
  await layer.run();
  const calls: number[] = [];
  while (calls.length < tinyCalls) {
    await sleep(gapMs);
    calls.push(await time(layer.run));
  }
  return { peak: median(peaks), tinyCallMs: median(calls) };
}
