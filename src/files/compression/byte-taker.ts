// Takes as many bytes of a source as asked for, however its chunks are cut.
import type { ByteSource } from '../byte-source.js';

export class ByteTaker {
  readonly #source: Pick<ByteSource, 'read'>;
  /** Of the last chunk, what nobody has had. */
  #rest: Uint8Array = new Uint8Array();
  #taken = 0;

  constructor(source: Pick<ByteSource, 'read'>) {
    this.#source = source;
  }

  /** Bytes so far. */
  get taken(): number {
    return this.#taken;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const chunk = await this.#source.read();
      if (chunk === undefined) return true;
      this.#rest = chunk;
    }
    return false;
  }

  /** `count` bytes of their own; undefined if the source ends before. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      if (await this.isAtEnd()) return undefined;
      const part = this.#rest.subarray(0, count - done);
      bytes.set(part, done);
      this.#rest = this.#rest.subarray(part.length);
      this.#taken += part.length;
      done += part.length;
    }
    return bytes;
  }
}
