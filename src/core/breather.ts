// Gives the event loop its turns during long work, so that signals and other callers are heard.
import type { Steps } from './steps.js';

/** Little enough for whoever waits not to notice. */
const mostMs = 20;

/** To be asked often; it looks at the clock. */
export class Breather {
  #since = performance.now();

  /** Whether the work has gone on for long enough: then await `rest`. */
  get isDue(): boolean {
    return performance.now() - this.#since > mostMs;
  }

  /** Resolves after a turn of the event loop. */
  async rest(): Promise<void> {
    await new Promise(setImmediate);
    this.#since = performance.now();
  }

  /** What the steps come to, with a rest wherever one is due; before the first of them too. */
  async run<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      if (this.isDue) await this.rest();
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }
}

/** The same, of work that goes on for as long as these steps. */
export function runSteps<T>(steps: Steps<T>): Promise<T> {
  return new Breather().run(steps);
}
