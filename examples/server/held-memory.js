// What open requests hold of memory, all of them together: counted as it arrives, given back when the answer has gone.

/** @typedef {import('fastify').FastifyRequest} Request */

export class HeldMemory {
  #bytes = 0;
  #most;
  /** Of those that are open and were not refused. @type {WeakMap<Request, { bytes: number }>} */
  #shares = new WeakMap();

  /** @param {number} most bytes */
  constructor(most) {
    this.#most = most;
  }

  get bytes() {
    return this.#bytes;
  }

  /** @param {Request} request @param {import('fastify').FastifyReply} reply */
  open(request, reply) {
    this.#shares.set(request, { bytes: 0 });
    reply.raw.once('close', () => this.#give(request));
  }

  /**
   * Counts more bytes of an open request, if there is room; else what it had is free for others.
   * @param {Request} request @param {number} bytes
   */
  take(request, bytes) {
    const share = this.#shares.get(request);
    if (share === undefined) return false;
    if (this.#bytes + bytes > this.#most) {
      this.#give(request);
      return false;
    }
    share.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }

  /** @param {Request} request */
  #give(request) {
    this.#bytes -= this.#shares.get(request)?.bytes ?? 0;
    this.#shares.delete(request);
  }
}
