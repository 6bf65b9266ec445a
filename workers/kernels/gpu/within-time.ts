// A bound on what a driver may take: one that hangs must not hang the engine.
import { HeadpoolError } from '../../../src/core/errors.js';

/** Settles as `step` does, or fails: "The GPU did not <what> within 5 s …". */
export async function withinTime<T>(what: string, step: Promise<T>, mostMs = 5000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const advice = 'its driver may hang: restart what uses it, or use the processor';
      reject(
        new HeadpoolError(
          'DEVICE_UNAVAILABLE',
          `The GPU did not ${what} within ${mostMs / 1000} s; ${advice}`,
        ),
      );
    }, mostMs);
  });
  try {
    return await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}
