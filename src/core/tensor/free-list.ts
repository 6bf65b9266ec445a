// First-fit allocation of byte ranges inside one address space. It counts addresses and owns no memory.

interface Gap {
  start: number;
  end: number;
}

/** Ranges handed out are multiples of `alignment` long and start at multiples of it. */
export class FreeList {
  readonly #alignment: number;
  /** Free ranges, ascending and never touching each other. */
  readonly #gaps: Gap[] = [];

  constructor(alignment: number) {
    this.#alignment = alignment;
  }

  /** The start of a range of at least `byteLength` bytes, or undefined where no gap is long enough. */
  take(byteLength: number): number | undefined {
    const length = this.roundUp(byteLength);
    const index = this.#gaps.findIndex((gap) => gap.end - gap.start >= length);
    const gap = this.#gaps[index];
    if (gap === undefined) return undefined;
    const start = gap.start;
    gap.start += length;
    if (gap.start === gap.end) this.#gaps.splice(index, 1);
    return start;
  }

  /** Gives a range back, or adds new addresses; neighbours grow together. */
  give(start: number, byteLength: number): void {
    const end = start + this.roundUp(byteLength);
    const index = this.#gaps.findIndex((gap) => gap.start > start);
    const at = index === -1 ? this.#gaps.length : index;
    const before = this.#gaps[at - 1];
    const after = this.#gaps[at];
    const joinsBefore = before?.end === start;
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#gaps.splice(at, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else this.#gaps.splice(at, 0, { start, end });
  }

  roundUp(byteLength: number): number {
    return Math.ceil(Math.max(byteLength, 1) / this.#alignment) * this.#alignment;
  }
}
