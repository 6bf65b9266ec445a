// Ends workers whose unit takes longer than the host allows; what they leave undone is the scheduler's business.
import { sharedClockMs } from '../core/protocol/control.js';
import type { WorkerPool } from './pool.js';

/**
 * @param limitMs what a unit may take
 * @param why what that follows from, for the reason that the worker is lost for
 * @returns ends the watch
 */
export function watchUnits(pool: WorkerPool, limitMs: number, why: string): () => void {
  // When the unit began for which each worker was ended last.
  const ended: number[] = [];
  const look = (): void => {
    const now = sharedClockMs();
    for (let index = 0; index < pool.size; index++) {
      const since = pool.unitSince(index);
      if (since === 0 || now - since <= limitMs || ended[index] === since) continue;
      ended[index] = since;
      void pool.terminate(index, new Error(`its unit took longer than ${limitMs} ms (${why})`));
    }
  };
  const timer = setInterval(look, Math.ceil(limitMs / 4));
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
