// Fills a buffer with the rows of sequences, one after the other.
import { countTokens } from '../files/sequences/layout.js';
import type { Tensor } from '../core/tensor/tensor.js';
import type { InputSpan } from './input.js';
import { countNonFinite, describeNonFinite } from './non-finite.js';
import type { RowBuffer } from './row-buffer.js';

/** Fills a buffer with the rows of spans from its start; what failed half-way leaves no sequence. */
export class RowFiller {
  readonly name: 'query' | 'key' | 'value';
  readonly offsets = [0];
  readonly #buffer: RowBuffer;

  constructor(name: RowFiller['name'], buffer: RowBuffer, spans: readonly InputSpan[]) {
    this.name = name;
    this.#buffer = buffer;
    buffer.reserve(spans.reduce((rows, span) => rows + countTokens(span[name]!.lengths), 0));
  }

  /** Sequences so far. */
  get count(): number {
    return this.offsets.length - 1;
  }

  async read(span: InputSpan): Promise<void> {
    const rows = span[this.name]!;
    await rows.read(this.#room(countTokens(rows.lengths)));
    for (const length of rows.lengths) this.#add(length);
  }

  /** @throws what reading throws, or `otherwise` where a span can't be read one by one */
  async readOne(span: InputSpan, index: number, otherwise: Error): Promise<void> {
    const { lengths, readOne } = span[this.name]!;
    if (readOne === undefined) throw otherwise;
    await readOne(index, this.#room(lengths[index]!));
    this.#add(lengths[index]!);
  }

  /** Forgets the sequences from `count` on. */
  goBack(count: number): void {
    this.offsets.length = count + 1;
  }

  /** Takes out sequences; those after them move up. @param first none before it is among them */
  drop(sequences: ReadonlySet<number>, first: number): void {
    const before = this.offsets.splice(first + 1);
    let begin = this.offsets[first]!;
    for (const [index, end] of before.entries()) {
      if (!sequences.has(first + index)) {
        const to = this.offsets.at(-1)!;
        if (to < begin) this.#buffer.rows(to, to + end - begin).set(this.#buffer.rows(begin, end));
        this.#add(end - begin);
      }
      begin = end;
    }
  }

  /** NaN and infinities of one sequence: how many, and where the first is; undefined if there are none. */
  findNonFinite(sequence: number): { readonly count: number; readonly place: string } | undefined {
    const rows = this.#buffer.rows(this.offsets[sequence]!, this.offsets[sequence + 1]!);
    const count = countNonFinite(rows);
    if (count === 0) return undefined;
    const whose = this.name === 'query' ? '' : ` of its ${this.name}s`;
    return { count, place: describeNonFinite(rows, this.#buffer.width) + whose };
  }

  tensor(): Tensor {
    return this.#buffer.tensor(this.offsets.at(-1)!);
  }

  #room(length: number): Float32Array {
    const begin = this.offsets.at(-1)!;
    return this.#buffer.rows(begin, begin + length);
  }

  #add(length: number): void {
    this.offsets.push(this.offsets.at(-1)! + length);
  }
}
