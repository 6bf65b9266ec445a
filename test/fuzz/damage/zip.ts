// Damage of the records of zip archives, found by their signatures.
// Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import type { Draw } from '../draw.js';
import { damageNumber } from './bytes.js';

/** Bytes of each kind of record without names and extra fields. */
const records: readonly (readonly [signature: string, byteLength: number])[] = [
  ['PK\x03\x04', 30],
  ['PK\x01\x02', 46],
  ['PK\x05\x06', 22],
  ['PK\x06\x06', 56],
  ['PK\x06\x07', 20],
];

export function damageZip(bytes: Uint8Array, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  const found = records.flatMap(([signature, byteLength]) => {
    const places: (readonly [number, number])[] = [];
    for (
      let at = copy.indexOf(signature, 0, 'latin1');
      at >= 0;
      at = copy.indexOf(signature, at + 1, 'latin1')
    ) {
      places.push([at + 4, Math.min(at + byteLength, copy.length)]);
    }
    return places;
  });
  if (found.length === 0) return damageNumber(copy, draw);
  const [begin, end] = draw.pick(found);
  damageNumber(copy.subarray(begin, end), draw).copy(copy, begin);
  return copy;
}
