// Sizes of memory as people write them.
import test from 'ava';
import { byteSize, parseByteSize } from '../../src/config/byte-size.js';

const sizes: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['12345', 12_345],
  ['7B', 7],
  ['1kB', 1000],
  ['1K', 1000],
  ['500MB', 500e6],
  ['500 MB', 500e6],
  ['1.5 GB', 1.5e9],
  ['3TB', 3e12],
  ['4KiB', 4096],
  ['4kiB', 4096],
  ['64Mi', 64 * 2 ** 20],
  ['2GiB', 2 ** 31],
  ['0.5GiB', 2 ** 29],
  ['1TiB', 2 ** 40],
  ['1.0001kB', 1000],
];

for (const [text, bytes] of sizes) {
  test(`${text} is ${bytes} bytes`, (t) => {
    t.regex(text, byteSize);
    t.is(parseByteSize(text), bytes);
  });
}

const nonsense = [
  '',
  ' ',
  'GB',
  '-1GB',
  '1e9',
  '1,5GB',
  '.5GB',
  '1.GB',
  '2XB',
  '2gb',
  '5 0MB',
  '1GBs',
  '0x10',
];

test('nonsense is no size', (t) => {
  for (const text of [...nonsense, '1GB\n2', 'Infinity', 'NaN']) t.notRegex(text, byteSize, text);
});
