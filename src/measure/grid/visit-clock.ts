// How far a grid is: visits of its cells, and the time that is left.
import { nameOfCase, type BenchCase } from './results.js';

export interface GridProgress {
  /** Visits of cells, a cell in a round each. */
  readonly done: number;
  readonly of: number;
  /** Of the case that comes now; empty at the end. */
  readonly name: string;
  /** Undefined until the first visit is over. */
  readonly msLeft: number | undefined;
}

type Listener = ((progress: GridProgress) => void) | undefined;

/** Expects of visits to come that they take as much longer than estimated as those so far. */
export class VisitClock {
  readonly #expectedMs: (benchCase: BenchCase) => number;
  readonly #onProgress: Listener;
  #done = 0;
  #of = 0;
  #expectedDone = 0;
  #expectedLeft = 0;
  readonly #startMs = performance.now();

  constructor(expectedMs: (benchCase: BenchCase) => number, onProgress: Listener) {
    this.#expectedMs = expectedMs;
    this.#onProgress = onProgress;
  }

  /** Adds visits to come. */
  plan(cases: readonly BenchCase[], rounds: number): void {
    this.#of += rounds * cases.length;
    for (const benchCase of cases) this.#expectedLeft += rounds * this.#expectedMs(benchCase);
  }

  start(benchCase: BenchCase): void {
    this.#tell(nameOfCase(benchCase));
  }

  finish(benchCase: BenchCase): void {
    this.#done++;
    this.#expectedDone += this.#expectedMs(benchCase);
    this.#expectedLeft -= this.#expectedMs(benchCase);
  }

  end(): void {
    this.#done = this.#of;
    this.#expectedLeft = 0;
    this.#tell('');
  }

  #tell(name: string): void {
    const slower = (performance.now() - this.#startMs) / this.#expectedDone;
    const msLeft = this.#done === 0 ? undefined : Math.max(0, this.#expectedLeft * slower);
    this.#onProgress?.({ done: this.#done, of: this.#of, name, msLeft });
  }
}
