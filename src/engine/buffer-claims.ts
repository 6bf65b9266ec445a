// Which shared memory open calls read and write, so that no two calls write, or read and write, the same bytes.
import { HeadpoolError } from '../core/errors.js';
import { isSameMemory } from './same-memory.js';

interface Claim {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  readonly end: number;
}

export interface BufferUse {
  readonly reads: readonly ArrayBufferView[];
  readonly writes: readonly ArrayBufferView[];
}

export class BufferClaims {
  // Apart, because two readers never collide: calls that only read among others of the kind compare nothing.
  readonly #openReads = new Set<Claim>();
  readonly #openWrites = new Set<Claim>();

  /**
   * Claims the buffers of a call until the returned function is called.
   * @throws INVALID_OPTION if the call writes what it reads, BUFFER_IN_USE if another call is in the way
   */
  claim(use: BufferUse): () => void {
    const reads = use.reads.map(claimOf);
    const writes = use.writes.map(claimOf);
    if (collide(writes, reads)) {
      throw new HeadpoolError(
        'INVALID_OPTION',
        'Expected memory of its own for `out`, got memory that an input covers',
      );
    }
    if (
      collide(writes, this.#openWrites) ||
      collide(writes, this.#openReads) ||
      collide(this.#openWrites, reads)
    ) {
      throw new HeadpoolError(
        'BUFFER_IN_USE',
        'Expected buffers that no open call writes, and an `out` that no open call reads; await that call first',
      );
    }
    for (const claim of reads) this.#openReads.add(claim);
    for (const claim of writes) this.#openWrites.add(claim);
    return () => {
      for (const claim of reads) this.#openReads.delete(claim);
      for (const claim of writes) this.#openWrites.delete(claim);
    };
  }
}

function claimOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Claim {
  return { buffer, start: byteOffset, end: byteOffset + byteLength };
}

function collide(writes: Iterable<Claim>, others: Iterable<Claim>): boolean {
  for (const write of writes) for (const other of others) if (overlap(write, other)) return true;
  return false;
}

function overlap(write: Claim, other: Claim): boolean {
  const start = Math.max(write.start, other.start);
  if (start >= Math.min(write.end, other.end)) return false;
  // What is written are floats, so that the place rounded down is among them too.
  return isSameMemory(write.buffer, other.buffer, start - (start % 4));
}
