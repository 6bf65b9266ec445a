import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readStateDict, writeStateDict } from '../../src/files/state-dict.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { safetensorsFile, writeScratch } from './scratch.js';

test('A state dict comes back as it was written, in its order and in shared memory', async (t) => {
  const path = join(await makeFolder(t), 'w.safetensors');
  const tensors = new Map([
    ['out_proj.weight', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
    ['in_proj_bias', { shape: [3], data: Float32Array.of(-1, 0, 0.5) }],
    ['__proto__', { shape: [0, 64], data: new Float32Array(0) }],
  ]);
  await writeStateDict(path, tensors, new Map([['seed', '1']]));
  const read = await readStateDict(path);
  t.deepEqual([...read.keys()], [...tensors.keys()]);
  for (const [name, { shape, data }] of read) {
    t.deepEqual(shape, tensors.get(name)!.shape);
    t.deepEqual([...data], [...tensors.get(name)!.data]);
    t.true(data.buffer instanceof SharedArrayBuffer);
  }
  const file = await openTensorFile(path);
  t.deepEqual(file.metadata, new Map([['seed', '1']]));
  await file.close();
});

test('Only floats are read, and only the names selected', async (t) => {
  const header = {
    steps: { dtype: 'I64', shape: [1], data_offsets: [0, 8] },
    'a.weight': { dtype: 'F16', shape: [2], data_offsets: [8, 12] },
    'b.weight': { dtype: 'BF16', shape: [2], data_offsets: [12, 16] },
  };
  const path = await writeScratch(t, 'w.safetensors', safetensorsFile(header, 16));
  t.deepEqual([...(await readStateDict(path)).keys()], ['a.weight', 'b.weight']);
  const selected = await readStateDict(path, { select: (name) => name.startsWith('b.') });
  t.deepEqual([...selected.keys()], ['b.weight']);
});

test('PyTorch’s own state dict is read', async (t) => {
  const path = 'test/conformance/torch-multihead/self_128x8.safetensors';
  const tensors = await readStateDict(path, { select: (name) => name.startsWith('state.') });
  t.deepEqual(tensors.get('state.in_proj_weight')?.shape, [384, 128]);
});

test('Data that don’t fit their shape are refused, and nothing is created', async (t) => {
  const folder = await makeFolder(t);
  const tensors = new Map([['a', { shape: [2], data: new Float32Array(3) }]]);
  await assertRefused(t, () => writeStateDict(join(folder, 'w.safetensors'), tensors), {
    code: 'INVALID_SHAPE',
    what: '`a`, got a Float32Array of 3',
  });
  t.deepEqual(await readdir(folder), []);
});

test('A state dict is .safetensors and nothing else', async (t) => {
  const refusal = { code: 'INVALID_FILE', path: 'w.npy: ', what: '`path`, got `".npy"`' } as const;
  await assertRefused(t, () => readStateDict('w.npy'), refusal);
  await assertRefused(t, () => writeStateDict('w.npy', new Map()), refusal);
});
