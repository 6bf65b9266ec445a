// Makes the garbage collector of a thread see shared memory, which V8 doesn't count: what keeps megabytes alive is to it an
// object of some bytes, and dead ones would pile up to gigabytes before it looks for them.

// An eighth of what it stands for: V8 looks for garbage after 64 MiB of ballasts, so that half a gigabyte of results may be
// dead. Where ballasts were as large as results, it looked so often that calls of 16 to 512 tokens lost 15 % of their rate.
const share = 1 / 8;

/** A ballast below is not worth the two calls of the system that it costs; what is small dies young, which V8 sees by itself. */
const leastBytes = 64 * 2 ** 10;

/**
 * Something that counts and takes no memory: its pages are never touched. Kept by what keeps `byteLength` bytes of shared
 * memory alive, so that both grow old, and die, at once.
 */
export function createBallast(byteLength: number): ArrayBuffer | undefined {
  const counted = Math.floor(byteLength * share);
  if (counted < leastBytes) return undefined;
  try {
    // Of a length that may change, because such a buffer is pages of its own that nobody has cleared.
    return new ArrayBuffer(counted, { maxByteLength: counted });
  } catch {
    // No addresses are left for it: the memory itself is there all the same.
    return undefined;
  }
}
