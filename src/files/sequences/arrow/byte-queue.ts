// Takes counted bytes out of a stream of chunks. Memory grows with what arrives, not with what was announced.
import { attempt } from '../../attempt.js';
import { allocateBytes } from './messages.js';

const firstBytes = 2 ** 16;

export class ByteQueue {
  readonly #path: string;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(path: string, chunks: AsyncIterable<Uint8Array>) {
    this.#path = path;
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or all that are left. @throws FILE_FAILED, MEMORY_LIMIT */
  async take(length: number): Promise<Uint8Array> {
    let bytes = allocateBytes(this.#path, Math.min(length, firstBytes));
    let filled = 0;
    while (filled < length) {
      if (this.#chunk.length === 0 && !(await this.#pull())) return bytes.subarray(0, filled);
      const part = this.#chunk.subarray(0, length - filled);
      if (filled + part.length > bytes.length) {
        const grown = allocateBytes(
          this.#path,
          Math.min(length, Math.max(2 * bytes.length, filled + part.length)),
        );
        grown.set(bytes.subarray(0, filled));
        bytes = grown;
      }
      bytes.set(part, filled);
      filled += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#chunk = new Uint8Array(0);
    await attempt(this.#path, 'close', () => this.#iterator.return?.());
  }

  async #pull(): Promise<boolean> {
    const result = await attempt(this.#path, 'read', () => this.#iterator.next());
    if (result.done === true) return false;
    this.#chunk = result.value;
    return true;
  }
}
