// XXH64 with seed 0, the checksum of frames of Zstandard, of bytes that come in parts. Numbers of 64 bits are pairs of
// 32, low and high, because BigInt takes ten times as long.
// Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

/** [low, high] */
type Word = Int32Array;

const prime1 = wordOf(0x85ebca87, 0x9e3779b1);
const prime2 = wordOf(0x27d4eb4f, 0xc2b2ae3d);
const prime3 = wordOf(0x9e3779f9, 0x165667b1);
const prime4 = wordOf(0xc2b2ae63, 0x85ebca77);
const prime5 = wordOf(0x165667c5, 0x27d4eb2f);
const stripeBytes = 32;

export class XxHash64 {
  readonly #lanes = [sum(prime1, prime2), copy(prime2), wordOf(0, 0), negative(prime1)];
  /** What is not yet a stripe. */
  readonly #rest = Buffer.alloc(stripeBytes);
  #restLength = 0;
  #low = 0;
  #high = 0;

  add(bytes: Uint8Array): void {
    this.#low += bytes.length;
    this.#high += Math.floor(this.#low / 2 ** 32);
    this.#low %= 2 ** 32;
    let at = 0;
    if (this.#restLength > 0) {
      at = Math.min(stripeBytes - this.#restLength, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restLength);
      this.#restLength += at;
      if (this.#restLength < stripeBytes) return;
      this.#addStripe(new DataView(this.#rest.buffer, this.#rest.byteOffset), 0);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + stripeBytes <= bytes.length; at += stripeBytes) this.#addStripe(view, at);
    this.#rest.set(bytes.subarray(at));
    this.#restLength = bytes.length - at;
  }

  /** The low 32 bits of the checksum of all that was added, which are what a frame keeps. */
  low32(): number {
    const hash = this.#isLong() ? this.#merged() : copy(prime5);
    addTo(hash, this.#low, this.#high);
    const view = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#restLength);
    let at = 0;
    for (; at + 8 <= this.#restLength; at += 8) {
      const word = wordOf(0, 0);
      round(word, view.getInt32(at, true), view.getInt32(at + 4, true));
      exclude(hash, word[0]!, word[1]!);
      rotate(hash, 27);
      multiply(hash, prime1);
      addTo(hash, prime4[0]!, prime4[1]!);
    }
    if (at + 4 <= this.#restLength) {
      const word = wordOf(view.getInt32(at, true), 0);
      multiply(word, prime1);
      exclude(hash, word[0]!, word[1]!);
      rotate(hash, 23);
      multiply(hash, prime2);
      addTo(hash, prime3[0]!, prime3[1]!);
      at += 4;
    }
    for (; at < this.#restLength; at++) {
      const word = wordOf(view.getUint8(at), 0);
      multiply(word, prime5);
      exclude(hash, word[0]!, word[1]!);
      rotate(hash, 11);
      multiply(hash, prime1);
    }
    avalanche(hash);
    return hash[0]! >>> 0;
  }

  #isLong(): boolean {
    return this.#high > 0 || this.#low >= stripeBytes;
  }

  #addStripe(view: DataView, at: number): void {
    for (let lane = 0; lane < 4; lane++) {
      const from = at + 8 * lane;
      round(this.#lanes[lane]!, view.getInt32(from, true), view.getInt32(from + 4, true));
    }
  }

  #merged(): Word {
    const hash = wordOf(0, 0);
    for (const [n, lane] of this.#lanes.entries()) {
      const turned = copy(lane);
      rotate(turned, [1, 7, 12, 18][n]!);
      addTo(hash, turned[0]!, turned[1]!);
    }
    for (const lane of this.#lanes) {
      const word = wordOf(0, 0);
      round(word, lane[0]!, lane[1]!);
      exclude(hash, word[0]!, word[1]!);
      multiply(hash, prime1);
      addTo(hash, prime4[0]!, prime4[1]!);
    }
    return hash;
  }
}

function avalanche(hash: Word): void {
  exclude(hash, hash[1]! >>> 1, 0); // hash ^ hash >>> 33
  multiply(hash, prime2);
  exclude(hash, (hash[0]! >>> 29) | (hash[1]! << 3), hash[1]! >>> 29);
  multiply(hash, prime3);
  exclude(hash, hash[1]!, 0);
}

/** lane = rotate(lane + word · prime2, 31) · prime1 */
function round(lane: Word, low: number, high: number): void {
  scratch[0] = low;
  scratch[1] = high;
  multiply(scratch, prime2);
  addTo(lane, scratch[0], scratch[1]);
  rotate(lane, 31);
  multiply(lane, prime1);
}

const scratch = wordOf(0, 0);

function multiply(word: Word, factor: Word): void {
  const [low, high] = [word[0]!, word[1]!];
  const [a, b] = [low & 0xffff, low >>> 16];
  const [c, d] = [factor[0]! & 0xffff, factor[0]! >>> 16];
  // The upper half of low · low, by halves of 16 bits whose products float64 holds.
  const middle = a * d + Math.floor((a * c) / 2 ** 16);
  const other = b * c + (middle % 2 ** 16);
  const upper = b * d + Math.floor(middle / 2 ** 16) + Math.floor(other / 2 ** 16);
  word[0] = Math.imul(low, factor[0]!);
  word[1] = upper + Math.imul(low, factor[1]!) + Math.imul(high, factor[0]!);
}

function addTo(word: Word, low: number, high: number): void {
  const total = (word[0]! >>> 0) + (low >>> 0);
  word[0] = total;
  word[1] = word[1]! + high + (total >= 2 ** 32 ? 1 : 0);
}

function exclude(word: Word, low: number, high: number): void {
  word[0]! ^= low;
  word[1]! ^= high;
}

/** To the left, by 1 to 31 bits. */
function rotate(word: Word, bits: number): void {
  const [low, high] = [word[0]!, word[1]!];
  word[0] = (low << bits) | (high >>> (32 - bits));
  word[1] = (high << bits) | (low >>> (32 - bits));
}

function wordOf(low: number, high: number): Word {
  return Int32Array.of(low, high);
}

function copy(word: Word): Word {
  return word.slice();
}

function sum(a: Word, b: Word): Word {
  const total = copy(a);
  addTo(total, b[0]!, b[1]!);
  return total;
}

function negative(word: Word): Word {
  const inverse = wordOf(~word[0]!, ~word[1]!);
  addTo(inverse, 1, 0);
  return inverse;
}
