// Reads a member that is stored as it is, from any position. Its checksum is left alone: a part has none.
import { invalidFile } from '../../core/errors.js';
import { attempt } from '../attempt.js';
import type { Reading } from '../positional-io.js';
import type { MemberReader, ZipMember } from './member.js';

export class StoredMember implements MemberReader, Reading {
  readonly #archive: Reading;
  readonly #member: ZipMember;

  constructor(archive: Reading, member: ZipMember) {
    this.#archive = archive;
    this.#member = member;
  }

  use<T>(action: (file: Reading) => Promise<T>): Promise<T> {
    return action(this);
  }

  async read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    const { label, dataOffset, byteLength } = this.#member;
    const count = Math.min(length, byteLength - position);
    if (count <= 0) return { bytesRead: 0 };
    const result = await attempt(label, 'read', () =>
      this.#archive.read(bytes, offset, count, dataOffset + position),
    );
    if (result.bytesRead === 0) throw invalidFile(label, `${byteLength} bytes`, 'data', position);
    return result;
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}
