// Cuts bytes into lines, each with its place in the file. What a line says is no matter here.
import type { ByteSource } from '../../byte-source.js';
import type { StreamPosition } from '../sequences.js';

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Without the newline, valid until the next line is read; undefined if there are more than the limit. */
  readonly bytes: Buffer | undefined;
  /** So far, where the reader gives up. */
  readonly byteLength: number;
  /** The first byte after its newline, counted from the start of the file. */
  readonly end: number;
}

const newline = 0x0a;
const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

export class LineReader {
  /** In bytes; what is longer is passed over. */
  readonly longestLine: number;
  readonly #source: Pick<ByteSource, 'read'>;
  readonly #givesUp: boolean;
  #chunk: Buffer = Buffer.alloc(0);
  /** The first byte of the chunk that no line has had. */
  #at = 0;
  /** What earlier chunks held of the line being read. */
  #held: Buffer = Buffer.alloc(0);
  #number: number;
  #byte: number;

  /** @param limits.givesUp whether nothing is read of what comes after a line that is too long */
  constructor(
    source: Pick<ByteSource, 'read'>,
    {
      longestLine,
      givesUp = false,
    }: { readonly longestLine: number; readonly givesUp?: boolean | undefined },
    start?: StreamPosition,
  ) {
    this.#source = source;
    this.longestLine = longestLine;
    this.#givesUp = givesUp;
    this.#number = start?.line ?? 0;
    this.#byte = start?.byte ?? 0;
  }

  /** The next line, a last one without newline included; undefined at the end. @throws as the source does */
  async next(): Promise<Line | undefined> {
    const begin = this.#byte;
    let length = 0;
    let hasNewline = false;
    let bytes: Buffer | undefined;
    while (!hasNewline && (await this.#hasMore())) {
      const found = this.#chunk.indexOf(newline, this.#at);
      hasNewline = found >= 0;
      const part = this.#chunk.subarray(this.#at, hasNewline ? found : undefined);
      bytes = length + part.length <= this.longestLine ? this.#join(length, part, hasNewline) : undefined;
      this.#at += part.length + (hasNewline ? 1 : 0);
      length += part.length;
      if (bytes === undefined && this.#givesUp) break;
    }
    if (length === 0 && !hasNewline) return undefined;
    this.#byte = begin + length + (hasNewline ? 1 : 0);
    this.#number++;
    if (begin === 0 && bytes?.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    return { number: this.#number, bytes, byteLength: length, end: this.#byte };
  }

  async #hasMore(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const chunk = await this.#source.read();
      if (chunk === undefined) return false;
      this.#chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#at = 0;
    }
    return true;
  }

  /** The first `length` bytes held and `part`; a line that one chunk holds is not copied. */
  #join(length: number, part: Buffer, isWhole: boolean): Buffer {
    if (length === 0 && isWhole) return part;
    const joined = length + part.length;
    if (joined > this.#held.length) {
      // Doubling, because the chunks of a pipe may be single bytes.
      const grown = Buffer.allocUnsafe(Math.min(Math.max(2 * joined, 4096), this.longestLine));
      this.#held.copy(grown, 0, 0, length);
      this.#held = grown;
    }
    part.copy(this.#held, length);
    return this.#held.subarray(0, joined);
  }
}
