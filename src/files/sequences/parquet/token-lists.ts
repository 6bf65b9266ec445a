// Puts the rows of a column together from its values and their levels: how many tokens each has, where its numbers are,
// and what is wrong with it.
import { elementsOfStep, type Steps } from '../../../core/steps.js';
import type { ColumnLevels, Levels } from './levels.js';
import type { ValueList } from './value-readers.js';

/** What is wrong first with a row; undefined stands for null. */
export interface Fault {
  /** Undefined where the row itself is null. */
  readonly token?: number;
  /** The one of its numbers that is null. */
  readonly number?: number;
  /** As many numbers as the token has, where it should have others. */
  readonly width?: number;
}

export class TokenLists {
  /** Tokens of each row. */
  readonly lengths: number[] = [];
  /** Of all rows; damaged ones may have any. */
  readonly #numbers: Float32Array;
  /** The number at which each row begins, and the end. */
  readonly #starts: number[] = [];
  readonly #faults = new Map<number, Fault>();
  readonly #levels: ColumnLevels;
  readonly #modelDim: number;
  #end = 0;
  /** Of the token under way: where it begins, and which of its numbers is null. */
  #token: { readonly start: number; firstNull: number | undefined } | undefined;

  /** @param count of the values of all pages, with those that are null */
  constructor(levels: ColumnLevels, modelDim: number, count: number) {
    this.#levels = levels;
    this.#modelDim = modelDim;
    this.#numbers = new Float32Array(count);
  }

  /** Takes the values of the next page. @throws Error for levels that contradict one another */
  *add({ repetitions, definitions }: Levels, values: ValueList<number>): Steps<void> {
    const { lists, whole, isThere, isFilled } = this.#levels;
    // The row of a single list is one token, always there.
    const outer = lists - 2;
    const [tokenIsThere, tokenIsFilled] = [isThere[outer + 1]!, isFilled[outer + 1]!];
    const [rowIsThere, rowIsFilled] = [isThere[outer] ?? 0, isFilled[outer] ?? 0];
    let used = 0;
    for (let n = 0; n < definitions.length; n++) {
      const level = definitions[n]!;
      const repetition = repetitions[n]!;
      if (level > whole || repetition > lists) throw new Error('a value has a level that its column has not');
      if (n % elementsOfStep === 0) yield;
      if (repetition === lists) {
        if (level < tokenIsFilled || this.#token === undefined) throw new Error('nothing goes on as a list');
      } else {
        this.#endToken();
        if (repetition === 0) this.#beginRow(level < rowIsThere);
        else if (level < rowIsFilled || this.lengths.length === 0)
          throw new Error('nothing goes on as a row');
        if (level < rowIsFilled) continue;
        this.#beginToken(level < tokenIsThere);
        if (level < tokenIsFilled) continue;
      }
      if (level === whole) this.#numbers[this.#end] = values[used++]!;
      else this.#token!.firstNull ??= this.#end - this.#token!.start;
      this.#end++;
    }
  }

  /** Behind the last page. */
  finish(): this {
    this.#endToken();
    this.#starts.push(this.#end);
    return this;
  }

  faultOf(row: number): Fault | undefined {
    return this.#faults.get(row);
  }

  /** Of the rows from `first` to `end`. */
  numbersOf(first: number, end: number): Float32Array {
    return this.#numbers.subarray(this.#starts[first], this.#starts[end]);
  }

  #beginRow(isNull: boolean): void {
    this.lengths.push(0);
    this.#starts.push(this.#end);
    if (isNull) this.#blame({});
  }

  #beginToken(isNull: boolean): void {
    const token = this.lengths[this.lengths.length - 1]!++;
    if (isNull) this.#blame({ token });
    else this.#token = { start: this.#end, firstNull: undefined };
  }

  #endToken(): void {
    if (this.#token === undefined) return;
    const { start, firstNull } = this.#token;
    const token = this.lengths.at(-1)! - 1;
    const width = this.#end - start;
    if (width !== this.#modelDim) this.#blame({ token, width });
    else if (firstNull !== undefined) this.#blame({ token, number: firstNull });
    this.#token = undefined;
  }

  #blame(fault: Fault): void {
    const row = this.lengths.length - 1;
    if (!this.#faults.has(row)) this.#faults.set(row, fault);
  }
}
