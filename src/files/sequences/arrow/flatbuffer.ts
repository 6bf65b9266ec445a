// Reads a FlatBuffer, the encoding of Arrow's metadata, and checks each step before it takes it: no offset leaves the
// bytes, no count is larger than what follows it. There is no other reader, so nothing can be checked as one thing and
// read as another.
// Format: https://flatbuffers.dev/internals/

/** How often a byte may be visited: a table that is its own neighbour's child a thousand times over has an end. */
const mostVisits = 4;

const decoder = new TextDecoder();

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

  /** Like `claim`, for bytes that are walked or kept. @throws Error */
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

/** Structs or numbers of one size, read when asked for; indices and offsets must be in range. */
export class FlatVector {
  readonly length: number;
  readonly #view: DataView;
  readonly #bytesPerElement: number;

  constructor(view: DataView, length: number, bytesPerElement: number) {
    this.#view = view;
    this.length = length;
    this.#bytesPerElement = bytesPerElement;
  }

  int32(index: number, byteOffset = 0): number {
    return this.#view.getInt32(index * this.#bytesPerElement + byteOffset, true);
  }

  /** Rounded from 2^53 on, hence never safe where it is not exact. */
  int64(index: number, byteOffset = 0): number {
    return Number(this.#view.getBigInt64(index * this.#bytesPerElement + byteOffset, true));
  }
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
    if (this.#vtableSize < 4 || this.#vtableSize % 2 !== 0 || this.#size < 4) {
      throw new Error(`the table at ${at} has no size`);
    }
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

  int32(slot: number): number {
    const at = this.#find(slot, 4);
    return at === undefined ? 0 : this.#buffer.view.getInt32(at, true);
  }

  int64(slot: number): bigint {
    const at = this.#find(slot, 8);
    return at === undefined ? 0n : this.#buffer.view.getBigInt64(at, true);
  }

  /** Bytes that are no UTF-8 become replacement characters; empty if the table leaves it out. */
  text(slot: number): string {
    const { at, length } = this.#locate(slot, 1);
    const { buffer, byteOffset } = this.#buffer.view;
    return decoder.decode(new Uint8Array(buffer, byteOffset + at, length));
  }

  table(slot: number): FlatTable | undefined {
    const at = this.#find(slot, 4);
    return at === undefined ? undefined : new FlatTable(this.#buffer, this.#buffer.follow(at));
  }

  *tables(slot: number): Generator<FlatTable, void> {
    const { at, length } = this.#locate(slot, 4);
    for (let index = 0; index < length; index++) {
      yield new FlatTable(this.#buffer, this.#buffer.follow(at + 4 * index));
    }
  }

  vector(slot: number, bytesPerElement: number): FlatVector {
    const { at, length } = this.#locate(slot, bytesPerElement);
    const { buffer, byteOffset } = this.#buffer.view;
    const view = new DataView(buffer, byteOffset + at, length * bytesPerElement);
    return new FlatVector(view, length, bytesPerElement);
  }

  /** A string is a vector of bytes. */
  #locate(slot: number, bytesPerElement: number): { readonly at: number; readonly length: number } {
    const field = this.#find(slot, 4);
    if (field === undefined) return { at: 0, length: 0 };
    const at = this.#buffer.follow(field);
    const length = this.#buffer.view.getUint32(this.#buffer.claim(at, 4), true);
    return { at: this.#buffer.visit(at + 4, length * bytesPerElement), length };
  }

  /** Where the field is; undefined if the table leaves it out. */
  #find(slot: number, byteLength: number): number | undefined {
    const entry = 4 + 2 * slot;
    if (entry >= this.#vtableSize) return undefined;
    const offset = this.#buffer.view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + byteLength > this.#size) {
      throw new Error(`a field at ${offset} lies outside the ${this.#size} bytes of its table`);
    }
    return this.#buffer.claim(this.#at + offset, byteLength);
  }
}
