// Reading in blocks: many small reads near each other, as of directories and headers, cost one call of the system.
// What it holds may be older than the file, so it is for opening a file only.
import type { Reading } from '../positional-io.js';

const blockBytes = 2 ** 16;

export class BlockReading implements Reading {
  readonly #file: Reading;
  #block = { position: 0, bytes: new Uint8Array() };

  constructor(file: Reading) {
    this.#file = file;
  }

  async read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    let block = this.#block;
    const isInside = position >= block.position && position < block.position + block.bytes.length;
    if (!isInside) block = await this.#load(position);
    const start = position - block.position;
    const found = block.bytes.subarray(start, start + length);
    bytes.set(found, offset);
    return { bytesRead: found.length };
  }

  async #load(position: number) {
    const bytes = new Uint8Array(blockBytes);
    const { bytesRead } = await this.#file.read(bytes, 0, blockBytes, position);
    this.#block = { position, bytes: bytes.subarray(0, bytesRead) };
    return this.#block;
  }
}
