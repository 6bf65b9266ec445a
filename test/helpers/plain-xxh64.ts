// XXH64 with seed 0 as its specification says it, in BigInt: what the one of frames is held against.
// Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
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
