// Finds how much work along an axis takes about as long as wanted on one worker.
import type { Engine } from '../../engine/engine.js';
import { time } from '../time.js';
import { createOperands, openWorkLayer } from './layer.js';
import type { ScalingAxis } from './results.js';
import { sizeFor, workOf } from './work.js';

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
    const ms = await measureOnce(engine, axis, size);
    if (Math.abs(ms / callMs - 1) <= nearEnough) break;
    // Small calls say little of large ones: what is cheap in a cache gets dearer outside.
    const growth = Math.min(64, callMs / ms);
    const next = sizeFor(axis, work.flop * growth);
    if (next === size) break;
    size = next;
  }
  return size;
}

/** The shorter of two calls after one that warms up. */
async function measureOnce(engine: Engine, axis: ScalingAxis, size: number): Promise<number> {
  using layer = await openWorkLayer(engine, createOperands(workOf(axis, size)));
  await layer.run();
  return Math.min(await time(layer.run), await time(layer.run));
}
