// XXH32 and XXH64 with seed 0, the checksums of frames of LZ4 and Zstandard.
// Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;
const stripeBytes = 16;

/** Of all `bytes`, from 0 to 2^32 - 1. */
export function xxHash32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = prime5;
  if (bytes.length >= stripeBytes) {
    const lanes = [prime1 + prime2, prime2, 0, -prime1];
    let [a, b, c, d] = lanes as [number, number, number, number];
    for (; at + stripeBytes <= bytes.length; at += stripeBytes) {
      a = round(a, view.getUint32(at, true));
      b = round(b, view.getUint32(at + 4, true));
      c = round(c, view.getUint32(at + 8, true));
      d = round(d, view.getUint32(at + 12, true));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(view.getUint32(at, true), prime3), 17), prime4);
  }
  for (; at < bytes.length; at++) {
    hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, prime5), 11), prime1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(lane: number, word: number): number {
  return Math.imul(rotate(lane + Math.imul(word, prime2), 13), prime1);
}

/** Sums of a few numbers of 32 bits are exact, and wrap here. */
function rotate(number: number, bits: number): number {
  return (number << bits) | (number >>> (32 - bits));
}

const long1 = 0x9e3779b185ebca87n;
const long2 = 0xc2b2ae3d27d4eb4fn;
const long3 = 0x165667b19e3779f9n;
const long4 = 0x85ebca77c2b2ae63n;
const long5 = 0x27d4eb2f165667c5n;
const longStripeBytes = 32;

/** Of all `bytes`, from 0 to 2^64 - 1. */
export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = long5;
  if (bytes.length >= longStripeBytes) {
    const lanes = [wrap(long1 + long2), long2, 0n, wrap(-long1)];
    for (; at + longStripeBytes <= bytes.length; at += longStripeBytes) {
      for (const [n, lane] of lanes.entries()) {
        lanes[n] = roundLong(lane, view.getBigUint64(at + 8 * n, true));
      }
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = wrap(lanes.reduce((sum, lane, n) => sum + rotateLong(lane, turns[n]!), 0n));
    for (const lane of lanes) hash = wrap((hash ^ roundLong(0n, lane)) * long1 + long4);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    const word = roundLong(0n, view.getBigUint64(at, true));
    hash = wrap(rotateLong(hash ^ word, 27n) * long1 + long4);
  }
  if (at + 4 <= bytes.length) {
    const word = wrap(BigInt(view.getUint32(at, true)) * long1);
    hash = wrap(rotateLong(hash ^ word, 23n) * long2 + long3);
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash = wrap(rotateLong(hash ^ wrap(BigInt(bytes[at]!) * long5), 11n) * long1);
  }
  hash = wrap((hash ^ (hash >> 33n)) * long2);
  hash = wrap((hash ^ (hash >> 29n)) * long3);
  return hash ^ (hash >> 32n);
}

function wrap(number: bigint): bigint {
  return BigInt.asUintN(64, number);
}

function rotateLong(number: bigint, bits: bigint): bigint {
  return wrap(number << bits) | (number >> (64n - bits));
}

function roundLong(lane: bigint, word: bigint): bigint {
  return wrap(rotateLong(wrap(lane + word * long2), 31n) * long1);
}
