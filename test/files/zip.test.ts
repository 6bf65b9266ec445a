import { constants, deflateRawSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Reading } from '../../src/files/positional-io.js';
import { readFully } from '../../src/files/positional-io.js';
import { openZipArchive, type ZipArchive } from '../../src/files/zip/archive.js';
import { DeflatedMember } from '../../src/files/zip/deflated-member.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { writeScratch } from './scratch.js';
import { zipFile, type MemberParts } from './zip-bytes.js';
import { assertRefused } from '../helpers/assertions.js';
import { soon } from '../helpers/cpu-time.js';

async function openScratch(t: ExecutionContext, bytes: Uint8Array): Promise<ZipArchive> {
  const archive = await openZipArchive(await writeScratch(t, 'a.zip', bytes));
  t.teardown(() => archive.close());
  return archive;
}

/** `count` bytes of the one member from `position` on. */
async function readPart(archive: ZipArchive, name: string, position: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  const member = archive.open(archive.members.get(name)!);
  await member.use((file) => readFully(file, bytes, { path: archive.path, position }));
  return bytes;
}

/** Bytes that deflate to about half. */
function noise(count: number, seed = 1): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Uint8Array.from({ length: count }, () => 16 * random.uniform()));
}

const text = Buffer.from('a member of an archive, a member of an archive');
const plain: MemberParts = { name: 'a', content: text };
const squeezed: MemberParts = { name: 'a', content: text, isDeflated: true };

const reads = test.macro({
  title: (title) => `A member is read: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array) => {
    const archive = await openScratch(t, bytes);
    t.deepEqual([...archive.members.keys()], ['a']);
    t.deepEqual(await readPart(archive, 'a', 0, text.length), text);
    t.deepEqual(await readPart(archive, 'a', 9, 5), text.subarray(9, 14));
    t.deepEqual(Buffer.from(await archive.readStart(archive.members.get('a')!, 8)), text.subarray(0, 8));
    t.deepEqual(Buffer.from(await archive.readStart(archive.members.get('a')!, 1000)), text);
  },
});

test('stored', reads, zipFile([plain]));
test('deflated', reads, zipFile([squeezed]));
test('stored, with sizes of 64 bits', reads, zipFile([{ ...plain, isZip64: true }]));
test('deflated, with sizes of 64 bits', reads, zipFile([{ ...squeezed, isZip64: true }]));
test('in a directory with a record of 64 bits', reads, zipFile([plain], { zip64: {} }));
test('in an archive with a comment', reads, zipFile([plain], { comment: 'made by hand' }));
test(
  'before a descriptor',
  reads,
  zipFile([{ ...squeezed, hasDescriptor: true, header: { crc: 0, flags: 8 } }]),
);
test('of an older coding of names', reads, zipFile([{ ...plain, directory: { flags: 0 } }]));

test('Names are names, in the order of the directory, whatever paths they would be', async (t) => {
  const names = ['../x', '/etc/x', 'C:\\x', '__proto__', 'constructor', 'ä', ''];
  const members = names.map((name, index) => ({ name, content: Uint8Array.of(index) }));
  const archive = await openScratch(t, zipFile(members));
  t.deepEqual([...archive.members.keys()], names);
  for (const [index, name] of names.entries()) {
    t.deepEqual([...(await readPart(archive, name, 0, 1))], [index], name);
  }
});

test('An archive without members is one', async (t) => {
  t.is((await openScratch(t, zipFile([]))).members.size, 0);
});

/** Fails to open, soon, and names `what`. */
const refuses = test.macro({
  title: (title) => `An archive is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, 'a.zip', bytes);
    await assertRefused(t, () => soon(t, () => openZipArchive(path)), {
      code: 'INVALID_FILE',
      path: `${path}: `,
      what,
    });
  },
});

const whole = zipFile([plain]);
test('an empty file', refuses, Buffer.alloc(0), '`directory`');
test('no zip', refuses, Buffer.alloc(1000, 'x'), '`directory`');
test('cut at its end', refuses, whole.subarray(0, -1), '`directory`');
test('cut inside its directory', refuses, whole.subarray(0, -30), '`directory`');
test('its last bytes alone', refuses, whole.subarray(-22), '`directory[0]`');
test('cut at its beginning', refuses, whole.subarray(10), '`directory[0]`');
test('more bytes after its end', refuses, Buffer.concat([whole, Buffer.alloc(9)]), '`directory`');
test('a count too high', refuses, zipFile([plain], { count: 2 }), '`directory[1]`');
test('a count too low', refuses, zipFile([plain, { ...plain, name: 'b' }], { count: 1 }), 'as it counts');
test('a count of none', refuses, zipFile([plain], { count: 0 }), 'as it counts');
test('a directory past the end', refuses, zipFile([plain], { directoryOffset: 1e9 }), '`directory[0]`');
test(
  'a 64-bit record where no file ends',
  refuses,
  zipFile([plain], { zip64: { recordOffset: 2n ** 64n - 1n } }),
  '`directory`',
);
test(
  'a directory where no file ends',
  refuses,
  zipFile([plain], { zip64: { directoryOffset: 2n ** 63n } }),
  '`directory[0]`',
);
test('a 64-bit record elsewhere', refuses, zipFile([plain], { zip64: { recordOffset: 0n } }), '`directory`');
test('a name twice', refuses, zipFile([plain, squeezed]), 'expected `a` once, got it twice');
test(
  'an encrypted member',
  refuses,
  zipFile([{ ...plain, directory: { flags: 1 } }]),
  'a: expected no encryption for `flags`, got `1`',
);
test(
  'a strongly encrypted member',
  refuses,
  zipFile([{ ...plain, directory: { flags: 0x41 } }]),
  '`directory[0]`',
);
test('method 12', refuses, zipFile([{ ...plain, directory: { method: 12 } }]), 'a: expected method 0');
test(
  'method 12 in its own header',
  refuses,
  zipFile([{ ...plain, header: { method: 12 } }]),
  '`header.method`',
);
test(
  'another name in its own header',
  refuses,
  zipFile([{ ...plain, header: { name: 'b' } }]),
  '`header.name`',
);
test(
  'no header',
  refuses,
  zipFile([{ ...plain, directory: { offset: 1 } }]),
  'a: expected a zip archive for `header`',
);
test('a header past the end', refuses, zipFile([{ ...plain, directory: { offset: 5000 } }]), '`header`');
test(
  'a header where no file ends',
  refuses,
  zipFile([{ ...plain, isZip64: true, directory: { offset: Number.MAX_SAFE_INTEGER } }]),
  '`header`',
);
test(
  'bytes past the end',
  refuses,
  zipFile([{ ...plain, directory: { heldLength: 9999, length: 9999 } }]),
  'a: expected a zip archive for `header`',
);
test(
  'a stored member of two sizes',
  refuses,
  zipFile([{ ...plain, directory: { length: 45 } }]),
  'a: expected the 46 bytes that are stored for `size`, got `45`',
);
test(
  'bytes that reach into the directory',
  refuses,
  zipFile([{ ...plain, directory: { heldLength: 47, length: 47 } }]),
  '`data`',
);
test(
  'members that overlap',
  refuses,
  zipFile([
    { ...squeezed, directory: { heldLength: 60 } },
    { ...plain, name: 'b' },
  ]),
  'a: expected an end by byte',
);
test(
  'more than deflate can code',
  refuses,
  zipFile([{ ...squeezed, isZip64: true, directory: { length: 2 ** 50 } }]),
  'a: expected no more than',
);

test(
  'more than no bytes can code',
  refuses,
  zipFile([{ ...squeezed, held: Buffer.alloc(0) }]),
  'a: expected no more than 0 deflated bytes can hold for `size`, got `46`',
);

/** Fails, soon, when the member is read in full, and names it and `what`. */
const refusesMember = test.macro({
  title: (title) => `A member is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, parts: Partial<MemberParts>, what: string) => {
    const archive = await openScratch(t, zipFile([{ ...squeezed, ...parts }]));
    const member = archive.members.get('a')!;
    for (let attempt = 0; attempt < 2; attempt++) {
      const path = `${archive.path}: a: `;
      await assertRefused(t, () => soon(t, () => archive.readStart(member, Infinity)), {
        code: 'INVALID_FILE',
        path,
        what,
      });
    }
  },
});

const deflated = deflateRawSync(text);
/** Deflated zeros that end at a whole byte, so that they can be put one after another. */
const zeros = deflateRawSync(Buffer.alloc(2 ** 20), { finishFlush: constants.Z_FULL_FLUSH });
const gigabyte = Buffer.concat([...new Array<Buffer>(1024).fill(zeros), Buffer.of(3, 0)]);

test('shorter than it says', refusesMember, { directory: { length: 60 } }, '`size`, got `46`');
test('longer than it says', refusesMember, { directory: { length: 45 } }, '`size`, got `46`');
test(
  'a gigabyte that says 100 bytes',
  refusesMember,
  { held: gigabyte, directory: { length: 100 } },
  '`size`',
);
test('another checksum', refusesMember, { directory: { crc: 1 } }, 'checksum 1 for `crc32`');
test('no deflated stream', refusesMember, { held: Buffer.alloc(40, 0xff) }, '`data`, got `"invalid');
test('a stream cut short', refusesMember, { held: deflated.subarray(0, -4) }, '`data`, got `"unexpected');
test('bytes after its stream', refusesMember, { held: Buffer.concat([deflated, text]) }, '`data`');

/** The member of an archive in memory, which counts the bytes that were read. */
function countedMember(content: Uint8Array, held = deflateRawSync(content)) {
  const counts = { bytes: 0, reads: 0 };
  const archive: Reading = {
    read(bytes, offset, length, position) {
      const found = held.subarray(position, position + length);
      bytes.set(found, offset);
      counts.bytes += found.length;
      counts.reads++;
      return Promise.resolve({ bytesRead: found.length });
    },
  };
  const crc = zipFile([{ name: 'a', content }]).readUInt32LE(14);
  const member = new DeflatedMember(archive, {
    name: 'a',
    label: 'a',
    isDeflated: true,
    headerOffset: 0,
    dataOffset: 0,
    storedLength: held.length,
    byteLength: content.length,
    crc32: crc,
  });
  const read = async (position: number, count: number) => {
    const bytes = Buffer.alloc(count);
    await member.use((file) => readFully(file, bytes, { path: 'a', position }));
    return bytes;
  };
  return { counts, member, read, storedLength: held.length };
}

test('Reads in ascending order inflate a member once', async (t) => {
  const content = noise(500_000);
  const { counts, read, storedLength } = countedMember(content);
  for (let position = 0; position < content.length; position += 7000) {
    const count = Math.min(6000, content.length - position);
    t.true((await read(position, count)).equals(content.subarray(position, position + count)));
  }
  t.is(counts.bytes, storedLength);
});

test('A read before the cursor starts over', async (t) => {
  const content = noise(500_000);
  const { counts, read, storedLength } = countedMember(content);
  t.true((await read(400_000, 100_000)).equals(content.subarray(400_000)));
  t.true((await read(100, 10)).equals(content.subarray(100, 110)));
  t.true((await read(0, 500_000)).equals(content));
  t.true(counts.bytes > 2 * storedLength);
});

test('Reads that overlap in time follow one another', async (t) => {
  const content = noise(300_000);
  const { counts, read, storedLength } = countedMember(content);
  const parts = await Promise.all([0, 100_000, 200_000].map((position) => read(position, 100_000)));
  t.true(Buffer.concat(parts).equals(content));
  t.is(counts.bytes, storedLength);
});

test('What swells is given up after the chunk that is too much', async (t) => {
  const { counts, read } = countedMember(Buffer.alloc(100), gigabyte);
  await assertRefused(t, () => read(0, 100), { code: 'INVALID_FILE', path: 'a: ', what: '`size`' });
  t.true(counts.bytes < 300_000, `${counts.bytes} bytes were read`);
});

test('A read after a release starts over, and one after the end too', async (t) => {
  const content = noise(200_000);
  const { read, member } = countedMember(content);
  t.true((await read(0, 1000)).equals(content.subarray(0, 1000)));
  await member.release();
  await member.release();
  t.true((await read(1000, 199_000)).equals(content.subarray(1000)));
  t.true((await read(199_000, 1000)).equals(content.subarray(199_000)));
});

test('A failing disk is no damaged file', async (t) => {
  const archive: Reading = { read: () => Promise.reject(new Error('EIO: i/o error')) };
  const { members } = await openScratch(t, zipFile([squeezed]));
  const member = new DeflatedMember(archive, members.get('a')!);
  const read = () => member.use((file) => readFully(file, new Uint8Array(3), { path: 'a', position: 0 }));
  await assertRefused(t, read, { code: 'FILE_FAILED', what: 'a: could not read: EIO' });
});

test('Closing waits for reads, and reads after it fail', async (t) => {
  const content = noise(500_000);
  for (const isDeflated of [false, true]) {
    const archive = await openScratch(t, zipFile([{ name: 'a', content, isDeflated }]));
    const member = archive.open(archive.members.get('a')!);
    const bytes = Buffer.alloc(content.length);
    const read = () => member.use((file) => readFully(file, bytes, { path: 'a', position: 0 }));
    const reading = read();
    await archive.close();
    await reading;
    t.true(bytes.equals(content));
    await assertRefused(t, read, { code: 'FILE_FAILED', what: 'could not read' });
    await archive.close();
  }
});
