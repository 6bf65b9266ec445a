// Looks for NaN and infinities in the rows of one input that were read, and takes sequences out again if they are refused.
import { HeadpoolError } from '../core/errors.js';
import type { Failure } from './chunks.js';
import type { InputSpan } from './input.js';
import type { NonFiniteCounts } from './non-finite.js';
import type { RowFiller } from './row-filler.js';

export interface InspectorOptions {
  /** Whether a refused sequence is left out, with a failure, or an error. */
  readonly isSkipping: boolean;
  readonly isRefusingNonFinite: boolean;
  /** For messages. */
  readonly pathOf: (input: number) => string;
}

export class Inspector {
  /** Numbers of the sequences that stay, among those of the portion. */
  readonly kept: number[] = [];
  readonly failures: Failure[] = [];
  nonFinite: NonFiniteCounts = { numbers: 0, sequences: 0 };
  readonly #input: number;
  readonly #fillers: readonly RowFiller[];
  readonly #options: InspectorOptions;
  /** Sequences of the spans before. */
  #before = 0;

  constructor(input: number, fillers: readonly RowFiller[], options: InspectorOptions) {
    this.#input = input;
    this.#fillers = fillers;
    this.#options = options;
  }

  /** @param first the number of the span's first sequence in the fillers @throws INVALID_FILE */
  inspect({ query: { lengths }, end }: InputSpan, first: number): void {
    const count = this.#fillers[0]!.count - first;
    const dropped = new Set<number>();
    for (let index = 0; index < count; index++) {
      const sequence = end.sequence - lengths.length + index;
      const isRefused = this.#findNonFinite(first + index, sequence) && this.#options.isRefusingNonFinite;
      if (isRefused) dropped.add(first + index);
      else this.kept.push(this.#before + index);
    }
    if (dropped.size > 0) for (const filler of this.#fillers) filler.drop(dropped, first);
    this.#before += lengths.length;
  }

  /** Whether there are some, which are counted or, if they are refused, a failure. */
  #findNonFinite(index: number, sequence: number): boolean {
    const found = this.#fillers.flatMap((filler) => filler.findNonFinite(index) ?? []);
    const [first] = found;
    if (first === undefined) return false;
    if (!this.#options.isRefusingNonFinite) {
      const numbers = found.reduce((sum, { count }) => sum + count, this.nonFinite.numbers);
      this.nonFinite = { numbers, sequences: this.nonFinite.sequences + 1 };
      return true;
    }
    const path = this.#options.pathOf(this.#input);
    const message = `${path}: expected finite numbers in sequence ${sequence}, got ${first.place}`;
    if (!this.#options.isSkipping) throw new HeadpoolError('INVALID_FILE', message);
    this.failures.push({ input: this.#input, sequence, message });
    return true;
  }
}
