// Large headers, files of JSON and frames, which are read whole: the event loop has its turns meanwhile.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openCheckpoint } from '../../src/checkpoints/checkpoint.js';
import { runSteps } from '../../src/core/breather.js';
import { decodeZstdFrame } from '../../src/files/compression/zstd-frame.js';
import { unzstd } from '../../src/files/compression/zstd-source.js';
import { readJsonObject } from '../../src/files/json-object.js';
import { findFormat } from '../../src/files/sequences/formats.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import { holdsLittle } from '../helpers/holds-little.js';
import { makeFolder } from '../helpers/make-folder.js';
import { columnOf, fileOf, groupOf, shred } from '../helpers/parquet-pages.js';
import { safetensorsFile } from './scratch.js';

/** As many tensors of one number, none of which lies where it stands in the header. */
const shuffled = (count: number, nameOf: (n: number) => string): Buffer => {
  const header = Array.from({ length: count }, (_, n) => {
    const place = (n * 7919) % count;
    return [nameOf(n), { dtype: 'F32', shape: [1], data_offsets: [4 * place, 4 * place + 4] }] as const;
  });
  return safetensorsFile(Object.fromEntries(header), 4 * count);
};

test.serial('a header of many tensors in any order', async (t) => {
  const path = join(await makeFolder(t), 'a.safetensors');
  await writeFile(
    path,
    shuffled(400_000, (n) => `tensor ${n}`),
  );
  await holdsLittle(t, async () => {
    const file = await openTensorFile(path);
    t.is(file.tensors.size, 400_000);
    await file.close();
  });
});

test.serial('a large file of JSON', async (t) => {
  const path = join(await makeFolder(t), 'a.json');
  const count = 10_000_000;
  await writeFile(path, `{"list":[${'[],'.repeat(count - 1)}[1]]}`);
  await holdsLittle(t, async () => {
    const { list } = await readJsonObject(path);
    t.is((list as unknown[]).length, count);
    t.deepEqual((list as unknown[]).at(-1), [1]);
  });
});

test.serial('the index of a model of many tensors', async (t) => {
  const folder = await makeFolder(t);
  const count = 140_000;
  const nameOf = (n: number): string =>
    `model.layers.${n % 100}.mlp.experts.${Math.floor(n / 100)}.w1.weight`;
  await writeFile(join(folder, 'model-1.safetensors'), shuffled(count, nameOf));
  const places = Array.from({ length: count }, (_, n) => [nameOf(n), 'model-1.safetensors']);
  const index = join(folder, 'model.safetensors.index.json');
  await writeFile(index, JSON.stringify({ weight_map: Object.fromEntries(places) as object }, null, 2));
  await holdsLittle(t, async () => {
    const checkpoint = await openCheckpoint(index);
    t.is(checkpoint.tensors.size, count);
    await checkpoint.close();
  });
});

test.serial('a footer of very many row groups', async (t) => {
  const pages = columnOf(shred([[]]), [1], { version: 2, encoding: 'PLAIN', codec: 'UNCOMPRESSED' });
  const group = groupOf(pages, { values: 1, rows: 1, codec: 'UNCOMPRESSED' });
  const path = join(await makeFolder(t), 'a.parquet');
  await writeFile(path, fileOf(pages, new Array<typeof group>(150_000).fill(group)));
  await holdsLittle(t, async () => {
    const stream = await findFormat(path)!.openStream({ path, modelDim: 2 });
    await stream.close();
  });
});

/** The block of a small file, again and again. */
function repeatBlock(path: string, count: number): Buffer {
  const frame = readFileSync(path);
  // Behind the magic number, flags, and two bytes of the content's length; a block says in its lowest bit that it is the last.
  const block = frame.subarray(7);
  const before = Buffer.from(block);
  before[0]! &= ~1;
  const blocks = [...new Array<Buffer>(count - 1).fill(before), block];
  // No length of the content, and a window of 8 MB.
  return Buffer.concat([frame.subarray(0, 4), Buffer.of(0, 13 << 3), ...blocks]);
}

const count = 2 ** 13;
const contentBytes = 8128;
const frame = repeatBlock('test/fuzz/seeds/npy.zst/four-streams', count);

test.serial('a large frame of Zstandard', async (t) => {
  const target = new Uint8Array(count * contentBytes);
  await holdsLittle(t, () => runSteps(decodeZstdFrame(frame, target)));
  t.deepEqual(target.subarray(-8000), target.subarray(128, contentBytes));
});

test.serial('a large frame of Zstandard as it comes', async (t) => {
  const chunks = [frame];
  const source = {
    size: undefined,
    read: () => Promise.resolve(chunks.pop()),
    close: () => Promise.resolve(),
  };
  const decompressed = unzstd('a.zst', source);
  await holdsLittle(t, async () => {
    let length = 0;
    for (let chunk; (chunk = await decompressed.read()) !== undefined;) length += chunk.length;
    t.is(length, count * contentBytes);
  });
});
