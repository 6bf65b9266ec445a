// The checksum of Zstandard, against values of the reference implementation, however bytes are cut.
import test from 'ava';
import { XxHash64 } from '../../../src/files/compression/xxh64.js';
import { xxHash64 } from '../../helpers/plain-xxh64.js';

const bytes = Buffer.from(Array.from({ length: 1000 }, (_, n) => (n * n * 31 + n) % 256));

test('The empty text and a short one have the checksums that are known', (t) => {
  const hash = new XxHash64();
  t.is(hash.low32(), 0x51d8e999); // ef46db3751d8e999
  hash.add(Buffer.from('abc'));
  t.is(hash.low32(), 0xad770999); // 44bc2cf5ad770999
});

test('Every length and every cut gives what the plain program gives', (t) => {
  for (let length = 0; length < 100; length++) {
    const whole = bytes.subarray(length, 2 * length);
    const wanted = Number(xxHash64(whole) & 0xffffffffn);
    for (const cut of [0, 1, 7, 31, 32, 33, 64]) {
      const hash = new XxHash64();
      for (let at = 0; at < length; at += Math.max(1, cut))
        hash.add(whole.subarray(at, at + Math.max(1, cut)));
      t.is(hash.low32(), wanted, `${length} bytes, ${cut} at a time`);
    }
  }
});
