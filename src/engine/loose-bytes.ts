// How much shared memory the message of a job keeps alive in a worker: inputs and results, which nobody uses again as the arena does.
import type { Work } from '../core/protocol/work.js';
import type { Region } from '../core/tensor/region.js';
import { isSlab } from '../core/tensor/slabs.js';

/** Of each buffer the largest region: phases look at the same ones again and again. */
export function countLooseBytes(works: readonly Work[]): number {
  const largest = new Map<SharedArrayBuffer, number>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) return;
    if (isRegion(part)) {
      const { buffer, byteLength } = part;
      if (buffer !== null && !isSlab(buffer))
        largest.set(buffer, Math.max(byteLength, largest.get(buffer) ?? 0));
    } else for (const inner of Object.values(part)) visit(inner);
  };
  visit(works);
  return [...largest.values()].reduce((sum, byteLength) => sum + byteLength, 0);
}

function isRegion(part: object): part is Region {
  return 'buffer' in part && 'byteOffset' in part;
}
