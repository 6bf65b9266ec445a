// Levels and indices of a page: runs of one number, and of numbers in as few bits as they need.
// Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/
import { elementsOfStep, type Steps } from '../../../core/steps.js';

/** Of the levels and indices that we read: no column has so many values. */
export const mostBits = 25;

/** Fills `target` with numbers of `bits` each. @throws Error unless there are as many, and no run goes on beyond them */
export function* readRuns(bytes: Uint8Array, bits: number, target: Uint8Array | Uint32Array): Steps<void> {
  if (bits === 0) return;
  let at = 0;
  let passed = 0;
  for (let done = 0; done < target.length;) {
    let header = 0;
    let scale = 1;
    for (let byte = 128; byte >= 128; scale *= 128) {
      byte = takeByte(bytes, at++);
      header += (byte % 128) * scale;
      if (scale > 2 ** 28) throw new Error('a run is too long');
    }
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2) * (isPacked ? 8 : 1);
    const left = target.length - done;
    const most = isPacked ? Math.ceil(left / 8) * 8 : left;
    if (length > most) throw new Error(`a run has ${length} values instead of at most ${most}`);
    const end = done + Math.min(length, left);
    if (isPacked) {
      yield* unpack(bytes.subarray(at), bits, target.subarray(done, end));
      at += (length / 8) * bits;
    } else {
      let value = 0;
      for (let width = 0; width < bits; width += 8) value += takeByte(bytes, at++) * 2 ** width;
      target.fill(value, done, end);
    }
    done = end;
    // A run may be empty.
    if (++passed % runsOfStep === 0) yield;
  }
}

const runsOfStep = 2 ** 10;

function takeByte(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error('a run is cut short');
  return byte;
}

/** The lowest bits of a byte come first. */
function* unpack(bytes: Uint8Array, bits: number, target: Uint8Array | Uint32Array): Steps<void> {
  if (Math.ceil((target.length * bits) / 8) > bytes.length) throw new Error('a run is cut short');
  const mask = 2 ** bits - 1;
  for (let index = 0, bit = 0; index < target.length; index++, bit += bits) {
    const byte = Math.floor(bit / 8);
    const [first, second = 0, third = 0, fourth = 0] = [
      bytes[byte]!,
      bytes[byte + 1],
      bytes[byte + 2],
      bytes[byte + 3],
    ];
    target[index] = ((first | (second << 8) | (third << 16) | (fourth << 24)) >>> (bit % 8)) & mask;
    if ((index + 1) % elementsOfStep === 0) yield;
  }
}
