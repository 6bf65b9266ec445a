// Reads a deflated member. Its bytes can be had only one after another, so a cursor stays where the last read ended:
// reads in ascending order inflate the member once, and one before the cursor starts over.
import { InTurn } from '../in-turn.js';
import type { Reading } from '../positional-io.js';
import { inflateMember } from './inflate.js';
import type { MemberReader, ZipMember } from './member.js';

export class DeflatedMember implements MemberReader, Reading {
  readonly #archive: Reading;
  readonly #member: ZipMember;
  #cursor: InflateCursor | undefined;
  readonly #turns = new InTurn();

  constructor(archive: Reading, member: ZipMember) {
    this.#archive = archive;
    this.#member = member;
  }

  /** In the order of the calls: whole actions, because two that took turns would start over again and again. */
  use<T>(action: (file: Reading) => Promise<T>): Promise<T> {
    return this.#turns.run(() => action(this));
  }

  async read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    const { byteLength } = this.#member;
    const count = Math.min(length, byteLength - position);
    if (count <= 0) return { bytesRead: 0 };
    if (this.#cursor === undefined || this.#cursor.position > position) {
      await this.#stop();
      this.#cursor = new InflateCursor(inflateMember(this.#archive, this.#member));
    }
    const cursor = this.#cursor;
    try {
      await cursor.skip(position - cursor.position);
      await cursor.fill(bytes.subarray(offset, offset + count));
      if (cursor.position === byteLength) {
        await cursor.finish();
        await this.#stop();
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
    return { bytesRead: count };
  }

  release(): Promise<void> {
    return this.use(() => this.#stop());
  }

  async #stop(): Promise<void> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    await cursor?.stop();
  }
}

/** A position in bytes that come in chunks. */
class InflateCursor {
  position = 0;
  readonly #chunks: AsyncGenerator<Uint8Array, void>;
  /** Of the last chunk, what lies at `position` and after it. */
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncGenerator<Uint8Array, void>) {
    this.#chunks = chunks;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) left -= (await this.#take(left)).length;
  }

  async fill(target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length;) {
      const bytes = await this.#take(target.length - done);
      target.set(bytes, done);
      done += bytes.length;
    }
  }

  /** Behind the last byte: takes the last step, which checks the whole. */
  async finish(): Promise<void> {
    await this.#chunks.next();
  }

  async stop(): Promise<void> {
    await this.#chunks.return();
  }

  /** Between 1 and `most` bytes; the chunks throw rather than end early. */
  async #take(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new Error('read on beyond the end');
      this.#rest = value;
    }
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    this.position += bytes.length;
    return bytes;
  }
}
