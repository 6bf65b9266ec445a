// Reads a member that is stored as it is, from any position. What is read from the start on is summed on the way, and
// held against the checksum of the directory once the last byte has been seen.
import { crc32 } from 'node:zlib';
import { invalidFile } from '../../core/errors.js';
import { InTurn } from '../in-turn.js';
import { readFully, type Reading } from '../positional-io.js';
import type { MemberReader, ZipMember } from './member.js';

/** How much is read at a time of what was passed over. */
const chunkBytes = 2 ** 16;

export class StoredMember implements MemberReader, Reading {
  readonly #archive: Reading;
  readonly #member: ZipMember;
  /** The checksum of the bytes before `#summed`. */
  #checksum = 0;
  #summed = 0;
  readonly #turns = new InTurn();

  constructor(archive: Reading, member: ZipMember) {
    this.#archive = archive;
    this.#member = member;
  }

  /** In the order of the calls: a sum has one end. */
  use<T>(action: (file: Reading) => Promise<T>): Promise<T> {
    return this.#turns.run(() => action(this));
  }

  /** Whole reads, unlike those of a file. @throws INVALID_FILE, FILE_FAILED */
  async read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    const count = Math.min(length, this.#member.byteLength - position);
    if (count <= 0) return { bytesRead: 0 };
    await this.#sumUpTo(position);
    const target = bytes.subarray(offset, offset + count);
    await this.#fill(target, position);
    this.#sum(target, position);
    return { bytesRead: count };
  }

  release(): Promise<void> {
    return this.use(() => Promise.resolve());
  }

  /** Reads what lies between the end of the sum and `position`, as a run does that goes on in the middle. */
  async #sumUpTo(position: number): Promise<void> {
    while (this.#summed < position) {
      const bytes = new Uint8Array(Math.min(chunkBytes, position - this.#summed));
      await this.#fill(bytes, this.#summed);
      this.#sum(bytes, this.#summed);
    }
  }

  async #fill(bytes: Uint8Array, position: number): Promise<void> {
    const { label, dataOffset } = this.#member;
    await readFully(this.#archive, bytes, { path: label, position: dataOffset + position });
  }

  #sum(bytes: Uint8Array, position: number): void {
    const { label, byteLength, crc32: checksum } = this.#member;
    const added = bytes.subarray(this.#summed - position);
    if (position > this.#summed || added.length === 0) return;
    const found = crc32(added, this.#checksum);
    const isEnd = this.#summed + added.length === byteLength;
    // Whoever reads a damaged member again is told again.
    const isWrong = isEnd && found !== checksum;
    this.#summed = isWrong ? 0 : this.#summed + added.length;
    this.#checksum = isWrong ? 0 : found;
    if (isWrong) throw invalidFile(label, `checksum ${checksum}`, 'crc32', found);
  }
}
