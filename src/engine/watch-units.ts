// Ends workers whose unit takes longer than the host allows; what they leave undone is the scheduler's business.
import { sharedClockMs } from '../core/protocol/control.js';
import type { WorkerPool } from './pool.js';

/** @returns ends the watch */
export function watchUnits(pool: WorkerPool, unitTimeoutMs: number): () => void {
  const look = (): void => {
    const now = sharedClockMs();
    for (let index = 0; index < pool.size; index++) {
      const since = pool.unitSince(index);
      if (since === 0 || now - since <= unitTimeoutMs) continue;
      void pool.terminate(index, new Error(`its unit took longer than ${unitTimeoutMs} ms (unitTimeoutMs)`));
    }
  };
  const timer = setInterval(look, Math.ceil(unitTimeoutMs / 4));
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
