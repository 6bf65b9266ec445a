// The calling thread's own part in short calls: it computes units of them instead of sleeping until the workers have,
// which takes longer. It takes the place of a worker, so that no more threads compute than the engine has.
import { sharedClockMs } from '../core/protocol/control.js';
import type { Job } from '../core/protocol/messages.js';
import type { HelpingThread, UnitTaker } from '../core/protocol/worker-module.js';
import type { JobBlock } from './job-block.js';

// No call holds the event loop for longer; the units of a short call take a twentieth of it.
const mostHelpMs = 2;
// Calls in a row whose callers await nothing else end without a turn of the event loop: after so much, it gets one.
const mostMsWithoutTurn = 2;

export class CallingThread {
  readonly #open: () => Promise<HelpingThread | null>;
  #thread: HelpingThread | null | undefined;
  readonly #parts = new WeakMap<Job, UnitTaker>();
  #sinceTurnMs = 0;

  /** @param open loads what the thread computes with; asked for once, when it could first help */
  constructor(open: () => Promise<HelpingThread | null>) {
    this.#open = open;
  }

  /** Whether it can help; the first question makes it get ready. */
  get isReady(): boolean {
    if (this.#thread === undefined) {
      this.#thread = null;
      void this.#open().then(
        (thread) => (this.#thread = thread),
        // It can't help, then; the workers said why where they couldn't start.
        () => undefined,
      );
    }
    return this.#thread !== null;
  }

  /** Gives the event loop a turn, where it is due. */
  async turn(): Promise<void> {
    if (this.#sinceTurnMs < mostMsWithoutTurn) return;
    await new Promise(setImmediate);
    this.#sinceTurnMs = 0;
  }

  /** Computes units of a job until it is complete, or time is up. @throws what a unit throws */
  help(block: JobBlock): void {
    const startMs = sharedClockMs();
    const endMs = startMs + mostHelpMs;
    const mayGoOn = (nowMs: number): boolean => nowMs < endMs;
    try {
      const part = this.#partIn(block.description);
      // Where the units left are with others, it looks again at once: they are done sooner than a sleeper would wake.
      while (!block.isOver && mayGoOn(sharedClockMs())) part.takeUnits(mayGoOn, () => undefined);
    } finally {
      this.#sinceTurnMs += sharedClockMs() - startMs;
    }
  }

  #partIn(job: Job): UnitTaker {
    let part = this.#parts.get(job);
    if (part === undefined) {
      part = this.#thread!(job);
      this.#parts.set(job, part);
    }
    return part;
  }
}
