// The end of an engine: what is open or waits finishes, or is stopped where its time is up; then the threads end.
import { longestTimerMs } from '../attention/option-kinds.js';
import { expected } from '../core/errors.js';
import { readObject } from '../core/read-object.js';
import type { CallRunner } from './call-runner.js';
import type { WorkerPool } from './pool.js';
import { watchUnits } from './watch-units.js';

export interface CloseOptions {
  /** How long calls that are open or wait may go on; 0 stops them at once. Default: until they are over. */
  readonly timeoutMs?: number;
}

// Workers leave a stopped call after their unit, which usually takes about a millisecond.
const lastUnitMs = 1000;

export class Closing {
  readonly #runner: CallRunner;
  readonly #pool: WorkerPool;
  readonly #endWatches: (() => void)[];
  #completion: Promise<void> | undefined;
  /** When calls are stopped, by `performance.now()`. */
  #stopAtMs = Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** @param endWatch ends what watches the pool already */
  constructor(runner: CallRunner, pool: WorkerPool, endWatch: () => void) {
    this.#runner = runner;
    this.#pool = pool;
    this.#endWatches = [endWatch];
  }

  /** Begins to close, or stops sooner what was to go on for longer. @throws INVALID_OPTION, UNKNOWN_OPTION */
  async close(options: CloseOptions): Promise<void> {
    const timeoutMs = readTimeout(options);
    this.#completion ??= this.#finish();
    this.#stopWithin(timeoutMs);
    return this.#completion;
  }

  async #finish(): Promise<void> {
    await this.#runner.close();
    // Nothing is open; what would come now would never end.
    this.#runner.stop();
    clearTimeout(this.#timer);
    this.#stopAtMs = -Infinity;
    for (const end of this.#endWatches) end();
    await this.#pool.close();
  }

  #stopWithin(timeoutMs: number): void {
    const stopAtMs = performance.now() + timeoutMs;
    if (stopAtMs >= this.#stopAtMs) return;
    this.#stopAtMs = stopAtMs;
    clearTimeout(this.#timer);
    const stop = (): void => {
      this.#stop();
    };
    if (timeoutMs === 0) stop();
    else this.#timer = setTimeout(stop, timeoutMs);
  }

  #stop(): void {
    this.#endWatches.push(watchUnits(this.#pool, lastUnitMs, 'the engine was closed'));
    this.#runner.stop();
  }
}

function readTimeout(options: CloseOptions): number {
  const { timeoutMs } = readObject(options, { name: 'options', kind: 'option', fields: ['timeoutMs'] });
  if (timeoutMs === undefined) return Infinity;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= longestTimerMs) return timeoutMs;
  throw expected(
    'INVALID_OPTION',
    `a number of milliseconds from 0 to ${longestTimerMs}`,
    'timeoutMs',
    timeoutMs,
  );
}
