// Whether two SharedArrayBuffer objects are one memory. structuredClone, messages between threads and a
// WebAssembly.Memory that has grown all make new objects on memory that others have too.
import { types } from 'node:util';

// What a pair is never changes, so it is asked about once.
const known = new WeakMap<ArrayBufferLike, WeakMap<ArrayBufferLike, boolean>>();

const pageBytes = 65_536;
// Another thread may change the value between its reading and the waiting.
const mostTries = 100;

/** @param byteOffset where to look, a multiple of 4; nothing is written there, nor anywhere else */
export function isSameMemory(a: ArrayBufferLike, b: ArrayBufferLike, byteOffset: number): boolean {
  if (a === b) return true;
  if (!types.isSharedArrayBuffer(a) || !types.isSharedArrayBuffer(b)) return false;
  if (a.byteLength !== b.byteLength && !(canGrow(a) && canGrow(b))) return false;
  // An end that comes before: of two on one memory both have the place, or it is in odd bytes, which hold no number.
  if (byteOffset + 4 > Math.min(a.byteLength, b.byteLength)) return false;
  const answers = known.get(a) ?? new WeakMap<ArrayBufferLike, boolean>();
  known.set(a, answers);
  const answer =
    answers.get(b) ?? reaches(new Int32Array(a, byteOffset, 1), new Int32Array(b, byteOffset, 1));
  if (answer !== undefined) answers.set(b, answer);
  return answer ?? false;
}

/**
 * Whether waking who waits at `there` wakes who waits at `here`: waiters are kept by address, and waiting writes nothing,
 * so that calls that compute on this memory meanwhile notice nothing. Undefined where `here` never kept still.
 */
function reaches(
  here: Int32Array<SharedArrayBuffer>,
  there: Int32Array<SharedArrayBuffer>,
): boolean | undefined {
  for (let n = 0; n < mostTries; n++) {
    if (!Atomics.waitAsync(here, 0, Atomics.load(here, 0)).async) continue;
    Atomics.notify(there, 0);
    return Atomics.notify(here, 0) === 0;
  }
  return undefined;
}

/** Whether two objects on it can have different lengths: the memory of WebAssembly, in pages, and growable buffers. */
function canGrow(buffer: SharedArrayBuffer): boolean {
  return buffer.growable || buffer.byteLength % pageBytes === 0;
}
