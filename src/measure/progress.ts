// How far a measurement is: steps of it, cells or points, and the time that is left.

export interface MeasureProgress {
  readonly done: number;
  readonly of: number;
  /** What comes now; empty at the end. */
  readonly name: string;
  /** Undefined until the first step is over. */
  readonly msLeft: number | undefined;
}

export type ProgressListener = (progress: MeasureProgress) => void;

/** Expects of steps to come that they take as much longer than estimated as those so far. */
export class Clock {
  readonly #onProgress: ProgressListener;
  #done = 0;
  #of = 0;
  #expectedDone = 0;
  #expectedLeft = 0;
  #startMs = performance.now();

  constructor(onProgress: ProgressListener = () => undefined) {
    this.#onProgress = onProgress;
  }

  /** Adds steps to come, of so many milliseconds each, or of any measure of time. */
  plan(count: number, expectedMs: number): void {
    this.#of += count;
    this.#expectedLeft += count * expectedMs;
  }

  begin(name: string): void {
    // What came before the first step is no measure of steps.
    if (this.#done === 0) this.#startMs = performance.now();
    const slower = (performance.now() - this.#startMs) / this.#expectedDone;
    const msLeft = this.#done === 0 ? undefined : Math.max(0, this.#expectedLeft * slower);
    this.#onProgress({ done: this.#done, of: this.#of, name, msLeft });
  }

  finish(expectedMs: number): void {
    this.#done++;
    this.#expectedDone += expectedMs;
    this.#expectedLeft -= expectedMs;
  }

  end(): void {
    this.#done = this.#of;
    this.#expectedLeft = 0;
    this.begin('');
  }
}
