// Goes through rows that are open, as those of a record batch or a row group, a span at a time; damaged rows come alone.
import { HeadpoolError } from '../../core/errors.js';
import type { Steps } from '../../core/steps.js';
import { mostSequencesOfSpan } from './layout.js';
import type { DamagedSequence, SequenceName, SequenceSpan } from './sequences.js';

/** Sequences that are open, numbered from 0. */
export interface OpenRows {
  readonly count: number;
  /** Rows of the file before them. */
  readonly firstRow: number;
  readonly hasNames: boolean;
  /** Tokens of a row; anything where it is damaged. */
  lengthOf(row: number): number;
  /** The name of a row, or what is wrong with the row. */
  check(row: number): SequenceName | HeadpoolError;
  /** Fills `target` with the rows from `first` to `end`, which were checked. */
  read(first: number, end: number, target: Float32Array): Promise<void>;
  /** How much of the file lies before the end of the rows in front of `row`. */
  shareBefore(row: number): number | undefined;
}

/** Some hundred microseconds' worth. */
const rowsOfStep = 2 ** 9;

export class RowCursor {
  readonly #rows: OpenRows;
  #next = 0;

  constructor(rows: OpenRows) {
    this.#rows = rows;
  }

  /** Leaves out `rows` rows. */
  skip(rows: number): void {
    this.#next += rows;
  }

  /** The next rows, at least one, up to `mostTokens` and `mostRows`; undefined at the end. */
  *take(
    mostTokens: number,
    mostRows = mostSequencesOfSpan,
  ): Steps<SequenceSpan | DamagedSequence | undefined> {
    const { count, firstRow } = this.#rows;
    const first = this.#next;
    if (first >= count) return undefined;
    const last = Math.min(count, first + Math.min(mostRows, mostSequencesOfSpan));
    const names: SequenceName[] = [];
    const lengths: number[] = [];
    let tokens = 0;
    for (let row = first; row < last; row++) {
      const length = this.#rows.lengthOf(row);
      if (row > first && tokens + length > mostTokens) break;
      const name = this.#rows.check(row);
      if (name instanceof HeadpoolError) {
        if (row > first) break; // The rows in front of it come first.
        this.#next++;
        return { error: name, end: { sequence: firstRow + this.#next } };
      }
      names.push(name);
      lengths.push(length);
      tokens += length;
      if (names.length % rowsOfStep === 0) yield;
    }
    const end = first + lengths.length;
    this.#next = end;
    return {
      lengths,
      ...(this.#rows.hasNames && { names }),
      read: (target) => this.#rows.read(first, end, target),
      end: { sequence: firstRow + end },
      share: this.#rows.shareBefore(end),
    };
  }
}
