// Which shared buffers open calls read and write, so that no two calls write, or read and write, the same bytes.
import { HeadpoolError } from '../core/errors.js';

interface Claim {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  readonly end: number;
  readonly isWritten: boolean;
}

export interface BufferUse {
  readonly reads: readonly ArrayBufferView[];
  readonly writes: readonly ArrayBufferView[];
}

export class BufferClaims {
  readonly #open = new Set<readonly Claim[]>();

  /**
   * Claims the buffers of a call until the returned function is called.
   * @throws INVALID_OPTION if the call writes what it reads, BUFFER_IN_USE if another call is in the way
   */
  claim({ reads, writes }: BufferUse): () => void {
    const claims = [
      ...reads.map((view) => claimOf(view, false)),
      ...writes.map((view) => claimOf(view, true)),
    ];
    if (claims.some((a, n) => claims.slice(n + 1).some((b) => collide(a, b)))) {
      throw new HeadpoolError(
        'INVALID_OPTION',
        'Expected memory of its own for `out`, got memory that an input covers',
      );
    }
    for (const others of this.#open) {
      if (others.some((other) => claims.some((claim) => collide(claim, other)))) {
        throw new HeadpoolError(
          'BUFFER_IN_USE',
          'Expected buffers that no open call writes, and an `out` that no open call reads; await that call first',
        );
      }
    }
    this.#open.add(claims);
    return () => this.#open.delete(claims);
  }
}

function claimOf({ buffer, byteOffset, byteLength }: ArrayBufferView, isWritten: boolean): Claim {
  return { buffer, start: byteOffset, end: byteOffset + byteLength, isWritten };
}

function collide(a: Claim, b: Claim): boolean {
  return (a.isWritten || b.isWritten) && a.buffer === b.buffer && a.start < b.end && b.start < a.end;
}
