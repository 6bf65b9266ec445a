import test, { type ExecutionContext } from 'ava';
import { openSequences } from '../../../src/files/sequences/formats.js';
import { assertRefused } from '../../helpers/assertions.js';
import { npy, packed, rows } from '../../helpers/reader-files.js';
import { float32Bytes, safetensorsFile, writeScratch } from '../scratch.js';

const refuses = test.macro({
  title: (title) => `A file of sequences is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, name: string, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, name, bytes);
    await assertRefused(t, () => openSequences(path), { code: 'INVALID_FILE', path: `${path}: `, what });
  },
});

const st = 'a.safetensors';
test('offsets that start late', refuses, st, packed([1, 3]), '`offsets[0]`, got `1`');
test('offsets that fall', refuses, st, packed([0, 2, 1, 3]), '`offsets[2]`, got `1`');
test('offsets below 0', refuses, st, packed([0, -1, 3]), '`offsets[1]`, got `-1`');
test('offsets that end early', refuses, st, packed([0, 2]), '`offsets[1]`, got `2`');
test('offsets that end late', refuses, st, packed([0, 4]), '`offsets[1]`, got `4`');
test('no offsets', refuses, st, packed([]), '`offsets.shape`');
test('offsets of two axes', refuses, st, packed([0, 3], 'I64', [1, 2]), '`offsets.shape`');
test(
  'offsets that are floats',
  refuses,
  st,
  safetensorsFile({ x: rows([1, 1]), offsets: rows([2], 4) }, 12),
  '`offsets.dtype`, got `"F32"`',
);
test(
  'a third tensor beside x and offsets',
  refuses,
  st,
  safetensorsFile({ x: rows([1, 1]), offsets: rows([2], 4), y: rows([1], 12) }, 16),
  '`tensors`, got `"y"`',
);
test('no tensors', refuses, st, safetensorsFile({}), '`tensors`');
test('a tensor of one axis', refuses, st, safetensorsFile({ a: rows([2]) }, 8), '`a.shape`, got `[2]`');
test('rows of no numbers', refuses, st, safetensorsFile({ a: rows([2, 0]) }), '`a.shape`, got `[2,0]`');
test(
  'mixed modelDim',
  refuses,
  st,
  safetensorsFile({ a: rows([1, 2]), b: rows([1, 3], 8) }, 20),
  '`b.shape`, got `[1,3]`',
);
test(
  'named integers',
  refuses,
  st,
  safetensorsFile({ a: { dtype: 'I32', shape: [1, 1], data_offsets: [0, 4] } }, 4),
  '`a.dtype`, got `"I32"`',
);
test('.npy of integers', refuses, 'a.npy', npy('(3, 2)', 6, '<i4'), '`descr`');
test('.npy of one axis', refuses, 'a.npy', npy('(6,)', 6), '`shape`');
test('.npy of four axes', refuses, 'a.npy', npy('(1, 1, 3, 2)', 6), '`shape`');
test('.npy rows of no numbers', refuses, 'a.npy', npy('(3, 0)', 0), '`shape`');
test('.npy of very many empty sequences', refuses, 'a.npy', npy('(1000000000000, 0, 2)', 0), '`shape`');

test('Names that are none are refused', async (t) => {
  const write = (ids: string) => {
    const tensors = { x: rows([1, 1]), offsets: { dtype: 'I32', shape: [2], data_offsets: [4, 12] } };
    const header = {
      ...tensors,
      ids: { dtype: 'U8', shape: [ids.length], data_offsets: [12, 12 + ids.length] },
    };
    const data = Buffer.concat([float32Bytes(1), Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0), Buffer.from(ids)]);
    return writeScratch(t, 'a.safetensors', safetensorsFile(header, data));
  };
  await openSequences(await write('["a"]')).then((reader) => reader.close());
  for (const ids of ['["a"', '"a"', '[]', '["a","b"]', '[[]]', '[1.5]', '[true]']) {
    const path = await write(ids);
    await assertRefused(t, () => openSequences(path), { code: 'INVALID_FILE', path, what: '`ids' });
  }
});
