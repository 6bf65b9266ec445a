// Shared memory for bodies and answers, used again and again: new memory must be cleared by the system, and found by the
// garbage collector once it is dead.

/** What is smaller is made as fast as it is found, and so is never kept. */
const leastBytes = 2 ** 16;

export class SpareMemory {
  /** The latest one last. @type {SharedArrayBuffer[]} */
  #buffers = [];
  #bytes = 0;
  #most;

  /** @param {number} most bytes that lie unused */
  constructor(most) {
    this.#most = most;
  }

  /**
   * So many bytes, or up to a quarter more, if there are any. They hold what others left: write each before you read it.
   * @param {number} byteLength
   */
  take(byteLength) {
    const index = this.#buffers.findLastIndex((buffer) => {
      return byteLength <= buffer.byteLength && buffer.byteLength <= 1.25 * byteLength;
    });
    if (index < 0) return undefined;
    const [buffer] = this.#buffers.splice(index, 1);
    this.#bytes -= buffer?.byteLength ?? 0;
    return buffer;
  }

  /**
   * Memory that nobody uses any more; the oldest goes where there is too much.
   * @param {SharedArrayBuffer} buffer given once for each request that had it
   */
  give(buffer) {
    if (buffer.byteLength < leastBytes) return;
    this.#buffers.push(buffer);
    this.#bytes += buffer.byteLength;
    while (this.#bytes > this.#most) this.#bytes -= this.#buffers.shift()?.byteLength ?? 0;
  }
}
