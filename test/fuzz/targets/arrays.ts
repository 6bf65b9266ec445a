// .npy, .npz and .safetensors: headers of text before numbers.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseSafetensors } from '../../../src/files/safetensors-bytes.js';
import { float32Bytes, npyFile, safetensorsFile } from '../../files/scratch.js';
import { zipFile } from '../../files/zip-bytes.js';
import { zstdFrame } from '../../helpers/compressed-frames.js';
import { packed, rows, upTo } from '../../helpers/reader-files.js';
import { damageBytes } from '../damage/bytes.js';
import { damageText } from '../damage/text.js';
import { damageZip } from '../damage/zip.js';
import type { Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';
import { sequenceTarget } from './sequences.js';

const npyOf = (shape: string, count: number, descr = '<f4', isFortran = 'False'): Buffer =>
  npyFile(
    `{'descr': '${descr}', 'fortran_order': ${isFortran}, 'shape': ${shape}, }\n`,
    float32Bytes(...upTo(count)),
  );

const arrays = [
  npyOf('(3, 2)', 6),
  npyOf('(2, 3, 2)', 12),
  npyOf('(2, 3, 2)', 12, '>f4', 'True'),
  npyOf('(6, 2)', 6, '<f2'),
];

/** Packed, with their names. */
function namedSequences(): Buffer {
  const ids = Buffer.from('["a",2,null]');
  const offsets = new Uint8Array(BigInt64Array.of(0n, 1n, 1n, 3n).buffer);
  return safetensorsFile(
    {
      x: rows([3, 2]),
      offsets: { dtype: 'I64', shape: [4], data_offsets: [24, 56] },
      ids: { dtype: 'U8', shape: [ids.length], data_offsets: [56, 56 + ids.length] },
    },
    Buffer.concat([float32Bytes(...upTo(6)), offsets, ids]),
  );
}

/** The text of a header, with its length set right, or not. */
function damageHeader(bytes: Uint8Array, begin: number, write: (copy: Buffer, length: number) => void) {
  return (draw: Draw): Buffer => {
    const copy = Buffer.from(bytes);
    const end = Math.min(
      begin + (begin === 8 ? Number(copy.readBigUInt64LE(0)) : copy.readUInt16LE(8)),
      copy.length,
    );
    const header = Buffer.from(damageText(copy.toString('latin1', begin, end), draw), 'latin1');
    const damaged = Buffer.concat([copy.subarray(0, begin), header, copy.subarray(end)]);
    if (draw.isLucky(0.95)) write(damaged, header.length);
    return damaged;
  };
}

const damageNpy = (bytes: Uint8Array, draw: Draw): Buffer =>
  draw.isLucky(0.7) && bytes.length > 10
    ? damageHeader(bytes, 10, (copy, length) => copy.writeUInt16LE(length % 65536, 8))(draw)
    : damageBytes(bytes, draw);

export const npy: FuzzTarget = sequenceTarget({
  ending: '.npy',
  createSeeds: () => Promise.resolve(arrays),
  damage: damageNpy,
});

export const npz: FuzzTarget = sequenceTarget({
  ending: '.npz',
  createSeeds: () =>
    Promise.resolve(
      [false, true].flatMap((isDeflated) => [
        zipFile([{ name: 'x.npy', content: arrays[0]!, isDeflated }]),
        zipFile(
          ['a.npy', 'b.npy'].map((name, n) => ({
            name,
            content: arrays[3 * n]!,
            isDeflated,
            isZip64: n === 1,
          })),
          { comment: 'two' },
        ),
      ]),
    ),
  damage: (bytes, draw) => (draw.isLucky(0.7) ? damageZip : damageBytes)(bytes, draw),
});

export const safetensors: FuzzTarget = sequenceTarget({
  ending: '.safetensors',
  createSeeds: () =>
    Promise.resolve([
      packed([0, 1, 1, 3]),
      packed([0, 3], 'I32'),
      safetensorsFile({ __metadata__: { by: 'a test' }, a: rows([1, 2]), 'b.c': rows([2, 2], 8) }, 24),
      safetensorsFile(
        { h: rows([2, 3, 2]), lengths: { dtype: 'I32', shape: [2], data_offsets: [48, 56] } },
        56,
      ),
      safetensorsFile(
        { h: rows([2, 3, 2]), attention_mask: { dtype: 'BOOL', shape: [2, 3], data_offsets: [48, 54] } },
        Buffer.concat([Buffer.alloc(48), Buffer.of(1, 1, 0, 0, 1, 1)]),
      ),
      namedSequences(),
    ]),
  damage: (bytes, draw) =>
    draw.isLucky(0.7) && bytes.length > 8
      ? damageHeader(bytes, 8, (copy, length) => copy.writeBigUInt64LE(BigInt(length)))(draw)
      : damageBytes(bytes, draw),
});

/** The same in memory that is shared, where F32 is taken as it lies. */
export const safetensorsBytes: FuzzTarget = {
  ...safetensors,
  async take(bytes) {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const tensors = [...(await parseSafetensors(shared)).tensors.values()];
    return tensors.reduce((sum, { data }) => sum + new Float32Array(data).byteLength, 0);
  },
};

/** Of the reference program: by its codes of bytes and of what they stand for, in blocks that refer to those before. */
const frames = 'test/fuzz/seeds/npy.zst';

const createFrames = async (): Promise<Uint8Array[]> => {
  const names = (await readdir(frames)).sort();
  const written = await Promise.all(names.map((name) => readFile(join(frames, name))));
  return [...arrays.map((bytes) => zstdFrame(bytes)), ...written];
};

/** What decompresses wrongly: the frames themselves. */
export const compressed: readonly (readonly [string, FuzzTarget])[] = [
  ['npy.gz', sequenceTarget({ ending: '.npy.gz', createSeeds: () => Promise.resolve(arrays.map((bytes) => gzipSync(bytes))), damage: damageBytes })], // prettier-ignore
  ['npy.zst', sequenceTarget({ ending: '.npy.zst', createSeeds: createFrames, damage: damageBytes })],
];
