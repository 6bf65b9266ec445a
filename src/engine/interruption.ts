// What may end a call before its result, as one signal: the signal of its caller, and its deadline.
import type { ResolvedOptions } from '../attention/resolved-options.js';
import { HeadpoolError } from '../core/errors.js';
import { onAbort } from './on-abort.js';

export class Interruption {
  readonly #calledMs: number;
  readonly #timeoutMs: number | undefined;
  readonly #controller: AbortController | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #stopListening: (() => void) | undefined;
  /** Where the call is: it waits for admission, or was let in. */
  #stage: 'waiting' | 'computing' = 'waiting';

  /** @param calledMs when the call was made, by `performance.now()` */
  constructor({ signal, timeoutMs }: Pick<ResolvedOptions, 'signal' | 'timeoutMs'>, calledMs: number) {
    this.#calledMs = calledMs;
    this.#timeoutMs = timeoutMs;
    if (signal === undefined && timeoutMs === undefined) return;
    const controller = new AbortController();
    this.#controller = controller;
    this.#stopListening =
      signal &&
      onAbort(signal, () => {
        controller.abort(signal.reason);
      });
    if (timeoutMs === undefined) return;
    const timeUp = (): void => {
      this.#timeUp();
    };
    this.#timer = setTimeout(timeUp, timeoutMs - this.#elapsedMs());
  }

  /** Aborted with the caller's reason or with TIMEOUT; undefined where neither can come. */
  get signal(): AbortSignal | undefined {
    return this.#controller?.signal;
  }

  /** Lets the call go on from waiting to computing. @throws the caller's reason, or TIMEOUT, if it is over */
  startComputing(): void {
    // Timers are late where the event loop was held up.
    if (this.#timeoutMs !== undefined && this.#elapsedMs() >= this.#timeoutMs) this.#timeUp();
    this.signal?.throwIfAborted();
    this.#stage = 'computing';
  }

  /** Waits for what other calls wait for too, but no longer than this call goes on. @throws as `startComputing` */
  async wait(shared: Promise<void>): Promise<void> {
    const { signal } = this;
    if (signal === undefined) return shared;
    let stop: (() => void) | undefined;
    const over = new Promise<never>((_, reject) => {
      stop = onAbort(signal, () => {
        reject(signal.reason as Error);
      });
    });
    try {
      await Promise.race([shared, over]);
    } finally {
      stop?.();
    }
  }

  /** Lets go of the timer and of the caller's signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
  }

  #timeUp(): void {
    this.#controller!.abort(
      new HeadpoolError(
        'TIMEOUT',
        `Expected a result within ${this.#timeoutMs} ms (timeoutMs); ` +
          `after ${Math.round(this.#elapsedMs())} ms the call was still ${this.#stage}`,
      ),
    );
  }

  #elapsedMs(): number {
    return performance.now() - this.#calledMs;
  }
}
