// Bytes inside .gz and .zst: what programs write is read, and whatever is damaged is refused by name.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { openBytes } from '../../../src/files/open-bytes.js';
import { createRandom } from '../../../src/core/tensor/random.js';
import { assertRefused } from '../../helpers/assertions.js';
import { zstdFrame } from '../../helpers/compressed-frames.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { testUnless } from '../../helpers/skips.js';
import { writeScratch } from '../scratch.js';

async function readInside(path: string, position = 0): Promise<Buffer> {
  const source = await openBytes({ path }, position);
  try {
    const chunks: Buffer[] = [];
    for (let chunk; (chunk = await source.read()) !== undefined;) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    await source.close();
  }
}

const random = createRandom(5);
/** Compresses by half or so, over several blocks. */
const content = Buffer.from(
  Array.from({ length: 60_000 }, () => random.normal().toFixed(3)).join(' ') + '0'.repeat(300_000),
);

/** {"id":"a","x":[[1,2],[3,4]]} and a newline, three times, by `zstd -19 --check`. */
const byZstd = Buffer.from('KLUv/QRoJQEA6HsiaWQiOiJhIiwieCI6W1sxLDJdLFszLDRdXX0KAQAdnMoJx66gnQ==', 'base64');
const text = '{"id":"a","x":[[1,2],[3,4]]}\n'.repeat(3);
const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

const holds = test.macro(async (t: ExecutionContext, name: string, bytes: Uint8Array, wanted: Uint8Array) => {
  const path = await writeScratch(t, name, bytes);
  t.true((await readInside(path)).equals(wanted));
  for (const position of [1, wanted.length >> 1, wanted.length]) {
    t.true((await readInside(path, position)).equals(wanted.subarray(position)), `from ${position}`);
  }
});

test('.gz is inflated', holds, 'a.gz', gzipSync(content), content);
test(
  '.gz of several members is one',
  holds,
  'a.GZ',
  Buffer.concat([gzipSync('ab'), gzipSync('c')]),
  Buffer.from('abc'),
);
test('.zst of the program is decompressed', holds, 'a.zst', byZstd, Buffer.from(text));
test('.zst of plain and repeated blocks is decompressed', holds, 'a.zst', zstdFrame(content, 1000), content);
test(
  'frames that follow one another are one',
  holds,
  'a.zst',
  Buffer.concat([byZstd, skippable, byZstd]),
  Buffer.from(text + text),
);

const zstd = spawnSync('zstd', ['--version']).error === undefined ? undefined : 'there is no zstd';
for (const level of ['-1', '-3', '-19', '--fast=5', '-3 --no-check', '-3 --long=24', '-3 --zstd=wlog=15']) {
  testUnless(zstd)(`zstd ${level} is decompressed`, async (t) => {
    const bytes = execFileSync('zstd', ['-c', ...level.split(' ')], { input: content });
    await holds.exec(t, 'a.zst', bytes, content);
  });
}

testUnless(zstd)('what is several times as long as its window is decompressed', async (t) => {
  const long = Buffer.concat(Array.from({ length: 6 }, (_, n) => content.subarray(1000 * n)));
  for (const width of [16, 19, 21]) {
    const bytes = execFileSync('zstd', ['-c', '-3', `--zstd=wlog=${width}`], { input: long });
    await holds.exec(t, 'a.zst', bytes, long);
  }
});

const refuses = test.macro({
  title: (title) => `Refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, name: string, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, name, bytes);
    await assertRefused(t, () => readInside(path), {
      code: 'INVALID_FILE',
      path: `${path}: `,
      what: ['`data`', what],
    });
  },
});

const changed = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};
const gz = gzipSync(content);
test('no .gz', refuses, 'a.gz', Buffer.from('plain text'), 'a gzip stream');
test('.gz of no bytes', refuses, 'a.gz', Buffer.alloc(0), 'a gzip stream');
test('.gz that is cut short', refuses, 'a.gz', gz.subarray(0, -9), 'unexpected end of file');
test('.gz of a wrong checksum', refuses, 'a.gz', changed(gz, -8), 'incorrect data check');
test(
  '.gz with text after it',
  refuses,
  'a.gz',
  Buffer.concat([gz, Buffer.from('xyz')]),
  'incorrect header check',
);
test(
  '.gz with zeros after it',
  refuses,
  'a.gz',
  Buffer.concat([gz, Buffer.alloc(9)]),
  `all ${gz.length + 9} bytes`,
);
test('no .zst', refuses, 'a.zst', Buffer.from('plain text'), 'a Zstandard stream');
test('.zst of no bytes', refuses, 'a.zst', Buffer.alloc(0), 'a Zstandard stream');
test('.zst of a wrong checksum', refuses, 'a.zst', changed(byZstd, -1), 'a wrong checksum');
test('.zst of a changed byte', refuses, 'a.zst', changed(byZstd, 20), 'a wrong checksum');
test(
  '.zst of another length',
  refuses,
  'a.zst',
  changed(zstdFrame(Buffer.from('abc')), 5),
  'at most 2 bytes',
);
test(
  '.zst of less than it says',
  refuses,
  'a.zst',
  changed(zstdFrame(Buffer.from('abcd')), 5),
  '4 bytes in a frame',
);
test(
  '.zst with something after it',
  refuses,
  'a.zst',
  Buffer.concat([byZstd, Buffer.from('xyzw')]),
  'got `"0x',
);
for (let length = 1; length < byZstd.length; length += 5) {
  test(`.zst that is cut after ${length} bytes`, refuses, 'a.zst', byZstd.subarray(0, length), 'Zstandard');
}
test(
  '.zst that wants memory for more than 128 MB',
  refuses,
  'a.zst',
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0xff]),
  'a window',
);
test(
  '.zst with a dictionary',
  refuses,
  'a.zst',
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0, 0]),
  'dictionary',
);
test(
  '.zst of a block that has no kind',
  refuses,
  'a.zst',
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 7, 0, 0]),
  'a block',
);

/** A match of 131,074 bytes, 40,000 times, in a block of 90 KB. */
function swellingBlock(): Buffer {
  const matches = Buffer.alloc((40_000 * 18) / 8 + 1, 0xff);
  const count = 40_000 - 0x7f00;
  const sequences = Buffer.from([255, count & 255, count >> 8, 0x54, 0, 2, 52]);
  return Buffer.concat([Buffer.from([0x08, 65]), sequences, matches]);
}

test('.zst of a block that would become gigabytes', async (t) => {
  const block = swellingBlock();
  const last = Buffer.alloc(3);
  last.writeUIntLE((block.length << 3) | 5, 0, 3);
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, 8 << 3, 0, 0]);
  const bytes = Buffer.concat([header, Buffer.from('abcdefgh'), last, block]);
  await refuses.exec(t, 'a.zst', bytes, 'longer than announced');
});

test('Bytes changed at random are refused or mean the same, soon', async (t) => {
  const folder = await makeFolder(t);
  const bytes =
    zstd === undefined
      ? execFileSync('zstd', ['-c', '--check'], { input: content.subarray(0, 20_000) })
      : byZstd;
  const whole = zstd === undefined ? content.subarray(0, 20_000) : Buffer.from(text);
  for (let n = 0; n < 200; n++) {
    const path = join(folder, 'a.zst');
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(random.uniform() * bytes.length)] = Math.floor(random.uniform() * 256);
    await writeFile(path, damaged);
    const found = await readInside(path).catch((error: unknown) => error as { code: string });
    t.true('code' in found ? found.code === 'INVALID_FILE' : whole.equals(found));
  }
});

test('A position that nothing inside has is refused', async (t) => {
  const path = await writeScratch(t, 'a.gz', gzipSync('abc'));
  await assertRefused(t, () => openBytes({ path }, 4), {
    code: 'INVALID_FILE',
    path,
    what: 'the 4 bytes read before',
  });
});
