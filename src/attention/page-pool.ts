// The pages of a cache by number, and how many page tables hold each. It counts; the memory belongs to others.

/** Pages 0 … pageCount - 1. The page given back last is taken first; unused ones in ascending order. */
export class PagePool {
  readonly pageCount: number;
  /** How many tables hold each page; 0 where it is free. */
  readonly #holders: Uint32Array;
  readonly #free: number[];

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    this.#holders = new Uint32Array(pageCount);
    this.#free = Array.from({ length: pageCount }, (_, n) => pageCount - 1 - n);
  }

  get freePages(): number {
    return this.#free.length;
  }

  /** A free page with one holder, or undefined where none is left. */
  take(): number | undefined {
    const page = this.#free.pop();
    if (page !== undefined) this.#holders[page] = 1;
    return page;
  }

  isShared(page: number): boolean {
    return this.#holders[page]! > 1;
  }

  /** Counts one more holder of a page that is held. */
  share(page: number): void {
    this.#refuseIfFree(page);
    this.#holders[page]!++;
  }

  /** Counts one holder less; without any the page is free. */
  give(page: number): void {
    this.#refuseIfFree(page);
    if (--this.#holders[page]! === 0) this.#free.push(page);
  }

  // A page counted wrongly would let two caches write into each other.
  #refuseIfFree(page: number): void {
    if (!this.#holders[page]) throw new Error(`Page ${page} is held by no table`);
  }
}
