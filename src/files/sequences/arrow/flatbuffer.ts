// Checked access to a FlatBuffer, the encoding of Arrow's metadata: no offset leaves the bytes. Readers made by flatc
// follow every offset and believe every count, so bytes from a file are walked here before they see them.
// Format: https://flatbuffers.dev/internals/

/** How often a byte may be visited: a table that is its own neighbour's child a thousand times over has an end. */
const mostVisits = 4;

/** The bytes, and how much of them may still be visited. */
class FlatBytes {
  readonly view: DataView;
  #budget: number;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#budget = bytes.byteLength * mostVisits;
  }

  /** That the `length` bytes from `at` on are inside. @throws Error */
  claim(at: number, length: number): number {
    if (at < 0 || length < 0 || at + length > this.view.byteLength) {
      throw new Error(
        `bytes ${at} to ${at + length} lie outside the ${this.view.byteLength} of the metadata`,
      );
    }
    return at;
  }

  /** Like `claim`, for bytes that a reader copies or walks. @throws Error */
  visit(at: number, length: number): number {
    this.#budget -= length;
    if (this.#budget < 0) throw new Error('parts of the metadata contain each other');
    return this.claim(at, length);
  }

  /** The place that the offset at `at` leads to. */
  follow(at: number): number {
    return at + this.view.getUint32(this.claim(at, 4), true);
  }
}

/** Where the elements of a vector are. */
export interface FlatVector {
  readonly at: number;
  readonly length: number;
}

/** One table; fields go by their slot, in the order of the schema. Everything throws a plain Error. */
export class FlatTable {
  readonly #buffer: FlatBytes;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableSize: number;
  readonly #size: number;

  private constructor(buffer: FlatBytes, at: number) {
    const { view } = buffer;
    this.#buffer = buffer;
    this.#at = buffer.claim(at, 4);
    this.#vtable = buffer.claim(at - view.getInt32(at, true), 4);
    this.#vtableSize = view.getUint16(this.#vtable, true);
    this.#size = view.getUint16(this.#vtable + 2, true);
    if (this.#vtableSize < 4 || this.#size < 4) throw new Error(`the table at ${at} has no size`);
    buffer.claim(this.#vtable, this.#vtableSize);
    buffer.visit(at, this.#size);
  }

  static root(bytes: Uint8Array): FlatTable {
    const buffer = new FlatBytes(bytes);
    return new FlatTable(buffer, buffer.follow(0));
  }

  uint8(slot: number): number {
    const at = this.#find(slot, 1);
    return at === undefined ? 0 : this.#buffer.view.getUint8(at);
  }

  int16(slot: number): number {
    const at = this.#find(slot, 2);
    return at === undefined ? 0 : this.#buffer.view.getInt16(at, true);
  }

  int64(slot: number): bigint {
    const at = this.#find(slot, 8);
    return at === undefined ? 0n : this.#buffer.view.getBigInt64(at, true);
  }

  table(slot: number): FlatTable | undefined {
    const at = this.#find(slot, 4);
    return at === undefined ? undefined : new FlatTable(this.#buffer, this.#buffer.follow(at));
  }

  tables(slot: number): FlatTable[] {
    const { at, length } = this.vector(slot, 4);
    return Array.from({ length }, (_, index) => {
      return new FlatTable(this.#buffer, this.#buffer.follow(at + 4 * index));
    });
  }

  /** A string is a vector of bytes. */
  vector(slot: number, bytesPerElement: number): FlatVector {
    const field = this.#find(slot, 4);
    if (field === undefined) return { at: 0, length: 0 };
    const at = this.#buffer.follow(field);
    const length = this.#buffer.view.getUint32(this.#buffer.claim(at, 4), true);
    return { at: this.#buffer.visit(at + 4, length * bytesPerElement), length };
  }

  /** Where the field is; undefined if the table leaves it out. */
  #find(slot: number, byteLength: number): number | undefined {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#vtableSize) return undefined;
    const offset = this.#buffer.view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return undefined;
    return this.#buffer.claim(this.#at + offset, byteLength);
  }
}
