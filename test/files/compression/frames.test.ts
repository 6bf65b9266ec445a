// Frames that the reference programs lz4 1.9.4 and zstd 1.5.4 wrote, and frames of our own with faults.
import test, { type ExecutionContext } from 'ava';
import { finish } from '../../../src/core/steps.js';
import { boundLz4Frame, decodeLz4Frame } from '../../../src/files/compression/lz4-frame.js';
import { xxHash32 } from '../../../src/files/compression/xxh32.js';
import { xxHash64 } from '../../helpers/plain-xxh64.js';
import { boundZstdFrame, decodeZstdFrame } from '../../../src/files/compression/zstd-frame.js';
import { createRandom } from '../../../src/core/tensor/random.js';
import { lz4Frame, zstdFrame, type Lz4Options } from '../../helpers/compressed-frames.js';

const content = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => ((i % 61) ** 2 + Math.floor(i / 30_000)) & 255);

// prettier-ignore
const written = [
  { name: 'lz4 of nothing', length: 0, frame: 'BCJNGGRApwAAAAAFXcwC' },
  { name: 'lz4 of a few bytes', length: 10, frame: 'BCJNGGRApwoAAIAAAQQJEBkkMUBRAAAAAJEm+2E=' },
  { name: 'lz4 of blocks of 64 KiB that lean on each other', length: 100000, frame: 'BCJNGFRArssBAAD/LgABBAkQGSQxQFFkeZCpxOEAIURpkLnkEUBxpNkQSYTBAEGEyRBZpPFAkeQ5kOlEoQBhxCmQ+WTRQLEkmRA9AP///////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////1X/LmLFKpH6ZdJBsiWaEQECBQoRGiUyQVJlepGqxeIBIkVqkbrlEkFypdoRSoXCAUKFyhFapfJBkuU6kepFogE9AP///////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////1X/Llum80KT5juS60ajAmPGK5L7ZtNCsyabEgIDBgsSGyYzQlNme5KrxuMCI0ZrkrvmE0JzptsSS4bDAkOGyxI9AP///////////////////////////2BQI0Zrkrs64wYh0QAAAA89AP//////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////3P8udKfcE0yHxANEh8wTXKf0Q5TnPJPsR6QDZMcsk/xn1EO0J5wTAwQHDBMcJzRDVGd8k6zH5AMkR2yTvOcUQz0A///////////////////////////////////////////////////hUAMkR2yTdQwiAAAAAABI9NOf' },
  { name: 'lz4 of blocks of 64 KiB by themselves', length: 70000, frame: 'BCJNGGBAgssBAAD/LgABBAkQGSQxQFFkeZCpxOEAIURpkLnkEUBxpNkQSYTBAEGEyRBZpPFAkeQ5kOlEoQBhxCmQ+WTRQLEkmRA9AP///////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////1X/LmLFKpH6ZdJBsiWaEQECBQoRGiUyQVJlepGqxeIBIkVqkbrlEkFypdoRSoXCAUKFyhFapfJBkuU6kepFogE9AP///////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////1X/Llum80KT5juS60ajAmPGK5L7ZtNCsyabEgIDBgsSGyYzQlNme5KrxuMCI0ZrkrvmE0JzptsSS4bDAkOGyxI9AP///////////////////////////2BQI0ZrkrtZAAAA/y7mE0JzptsSS4bDAkOGyxJbpvNCk+Y7kutGowJjxiuS+2bTQrMmmxICAwYLEhsmM0JTZnuSq8bjAiNGa5K7PQD//////////////////////yxQEkuGwwIAAAAA' },
  { name: 'zstd of nothing', length: 0, frame: 'KLUv/SQAAQAAmenYUQ==' },
  { name: 'zstd of a few bytes', length: 10, frame: 'KLUv/QBYUQAAAAEECRAZJDFAUQ==' },
  { name: 'zstd of several blocks', length: 100000, frame: 'KLUv/QRoTQgARA8AAQQJEBkkMUBRZHmQqcThACFEaZC55BFAcaTZEEmEwQBBhMkQWaTxQJHkOZDpRKEAYcQpkPlk0UCxJJkQYsUqkfpl0kGyJZoRAQIFChEaJTJBUmV6karF4gEiRWqRuuUSQXKl2hFKhcIBQoXKEVql8kGS5TqR6kWiAVum80KT5juS60ajAmPGK5L7ZtNCsyabEgIDBgsSGyYzQlNme5KrxuMCI0ZrkrvmE0JzptsSS4bDAkOGyxJ0p9wTTIfEA0SHzBNcp/RDlOc8k+xHpANkxyyT/GfUQ7QnnBMDBAcMExwnNENUZ3yTrMfkAyRHbJO85xRDBEAYDW0A3/A02Buehr3haWAPAQ2sXGk=' },
  { name: 'zstd of several blocks, fast', length: 200000, frame: 'KLUv/QBITAoAFBMAAQQJEBkkMUBRZHmQqcThACFEaZC55BFAcaTZEEmEwQBBhMkQWaTxQJHkOZDpRKEAYcQpkPlk0UCxJJkQYsUqkfpl0kGyJZoRAQIFChEaJTJBUmV6karF4gEiRWqRuuUSQXKl2hFKhcIBQoXKEVql8kGS5TqR6kWiAVum80KT5juS60ajAmPGK5L7ZtNCsyabEgIDBgsSGyYzQlNme5KrxuMCI0ZrkrvmE0JzptsSS4bDAkOGyxJ0p9wTTIfEA0SHzBNcp/RDlOc8k+xHpANkxyyT/GfUQ7QnnBMDBAcMExwnNENUZ3yTrMfkAyRHbJO85xRDrcjlBCVIbZS96BVEdajdFE2IxQRFiM0UXaj1RJXoPZTtSKUEZcgtlP1o1US1KJ0UBAUIDRQdKDVEVWh9lAVAGA2wAN/wNNgbngZ7w9OwNzwN7CFVBAC0B5QGCQ4VHik2RVZpfpWuyeYFJklulb7pFkV2qd4VTonGBUaJzhVeqfZFluk+le5JpgVmyS6V/mnWRbYpnhUFyi+W/2rXRrcqnxYGBwoPFh8qN0ZXan+Wr8rnBidKb5a/6hdGd6rfFk+KxwZHis8WX6r3RpfqP5bvSqcGZwMUADIN3sCGp4E9YQM=' },
];

const codecs = {
  lz4: { bound: boundLz4Frame, decode: decodeLz4Frame },
  zstd: { bound: boundZstdFrame, decode: decodeZstdFrame },
};

function decode(frame: Uint8Array, length: number, codec: keyof typeof codecs): Uint8Array {
  const { bound, decode: fill } = codecs[codec];
  if (bound(frame) < length) throw new Error('the bound is too small');
  const target = new Uint8Array(length);
  finish(fill(frame, target));
  return target;
}

for (const { name, length, frame } of written) {
  test(`${name}, as written by the reference program, is decoded`, (t) => {
    const codec = name.startsWith('lz4') ? 'lz4' : 'zstd';
    const bytes = Buffer.from(frame, 'base64');
    t.deepEqual(decode(bytes, length, codec), content(length));
    for (const other of [length + 1, length - 1].filter((number) => number >= 0)) {
      t.throws(() => decode(bytes, other, codec), { instanceOf: Error });
    }
    t.throws(() => decode(bytes.subarray(0, -1), length, codec), { instanceOf: Error });
    t.throws(() => decode(Buffer.concat([bytes, Buffer.alloc(1)]), length, codec), { instanceOf: Error });
  });
}

test('The checksums are those of their specification', (t) => {
  t.is(xxHash32(new Uint8Array()), 0x02cc5d05);
  t.is(xxHash32(Buffer.from('abc')), 0x32d153ff);
  t.is(xxHash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f);
  t.is(xxHash64(new Uint8Array()), 0xef46db3751d8e999n);
  t.is(xxHash64(Buffer.from('abc')), 0x44bc2cf5ad770999n);
  t.is(xxHash64(Buffer.from('Nobody inspects the spammish repetition')), 0xfbcea83c8a378bf1n);
});

const choices: Lz4Options[] = [false, true].flatMap((on) => [
  { areIndependent: on },
  { areIndependent: on, blockBytes: 700 },
  { areCompressed: on, hasContentLength: true },
  { hasBlockChecksums: on, hasContentChecksum: true, blockBytes: 1000 },
]);
for (const [n, options] of choices.entries()) {
  test(`LZ4 frames of choice ${n} and any length are decoded`, (t) => {
    for (const length of [1, 4, 15, 16, 300, 2100, 66_000]) {
      const random = createRandom(length);
      const noise = Uint8Array.from({ length }, () => random.uniform() * 4);
      t.deepEqual(decode(lz4Frame(noise, options), length, 'lz4'), noise);
    }
  });
}

test('Zstandard frames of raw and repeated blocks are decoded', (t) => {
  for (const bytes of [content(500), new Uint8Array(500), new Uint8Array(0)]) {
    t.deepEqual(decode(zstdFrame(bytes, 100), bytes.length, 'zstd'), bytes);
  }
});

test('A few bytes ask for little memory', (t) => {
  t.true(boundLz4Frame(lz4Frame(new Uint8Array(60_000))) < 2 ** 17);
  t.is(boundZstdFrame(zstdFrame(new Uint8Array(500), 100)), 500);
});

const refused = test.macro({
  title: (title) => `A frame is refused: ${title ?? ''}`,
  exec: (t: ExecutionContext, frame: Uint8Array, length: number, message: RegExp) => {
    t.throws(() => decode(frame, length, 'lz4'), { message });
  },
});
const changed = (frame: Buffer, at: number, to: number): Buffer => {
  const copy = Buffer.from(frame);
  copy[at < 0 ? copy.length + at : at] = to;
  return copy;
};
const sums = lz4Frame(content(100), { hasBlockChecksums: true, hasContentChecksum: true });
test('another magic', refused, changed(sums, 0, 5), 100, /no LZ4 frame/);
test('a dictionary', refused, changed(sums, 4, 0x41), 100, /names a dictionary/);
test(
  'a wrong checksum of the header',
  refused,
  changed(sums, 6, sums[6]! ^ 1),
  100,
  /checksum of its header/,
);
test('a wrong checksum of a block', refused, changed(sums, 20, 99), 100, /a checksum is wrong/);
test(
  'a wrong checksum of the content',
  refused,
  changed(sums, -1, sums.at(-1)! ^ 1),
  100,
  /a checksum is wrong/,
);
test('another content length', refused, lz4Frame(content(9), { hasContentLength: true }), 8, /says 9 bytes/);
const plain = lz4Frame(content(100));
const bodyAt = 11;
test(
  'a match in front of the data',
  refused,
  changed(lz4Frame(new Uint8Array(100)), bodyAt + 2, 9),
  100,
  /in front of the data/,
);
test('literals beyond the block', refused, changed(plain, bodyAt + 1, 250), 100, /cut short|announced/);
test('a longer block', refused, lz4Frame(new Uint8Array(101)), 100, /longer than announced/);

test('Damaged frames give as many bytes or an error, soon', (t) => {
  const random = createRandom(3);
  for (const [codec, frame] of [
    ['lz4', plain],
    ['zstd', Buffer.from(written.at(-2)!.frame, 'base64')],
  ] as const) {
    let refusals = 0;
    for (let round = 0; round < 300; round++) {
      const damaged = changed(
        frame,
        4 + Math.floor(random.uniform() * (frame.length - 4)),
        random.uniform() * 256,
      );
      try {
        decode(damaged, codec === 'lz4' ? 100 : written.at(-2)!.length, codec);
      } catch (error) {
        refusals++;
        t.true(error instanceof Error);
      }
    }
    t.true(refusals > 50, `${codec} ${refusals}`);
  }
});
