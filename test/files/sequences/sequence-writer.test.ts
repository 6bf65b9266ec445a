import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createLayout } from '../../../src/files/sequences/layout.js';
import { createSequenceWriter } from '../../../src/files/sequences/sequence-writer.js';
import type { SequenceLayout } from '../../../src/files/sequences/sequences.js';
import { openTensorFile } from '../../../src/files/tensor-file.js';
import { assertRefused } from '../../helpers/assertions.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { npy, openScratch, readAll, roundTrip, rows, upTo } from '../../helpers/reader-files.js';
import { safetensorsFile } from '../scratch.js';

test('Packed sequences come back from .safetensors, with metadata', async (t) => {
  const metadata = new Map([['kernel', 'native']]);
  const layout = createLayout({ modelDim: 3, lengths: [2, 0, 5] });
  const reader = await roundTrip(t, 'b.safetensors', layout, { metadata });
  t.like(reader, { form: 'packed', modelDim: 3, lengths: [2, 0, 5], metadata });
  t.deepEqual(await readAll(reader), upTo(21));
});

test('Offsets of packed sequences are aligned to what they are', async (t) => {
  for (const [modelDim, dtype] of [
    [4, 'I64'],
    [3, 'I32'],
  ] as const) {
    const { path } = await roundTrip(t, 'b.safetensors', createLayout({ modelDim, lengths: [2, 0, 5] }));
    const file = await openTensorFile(path);
    t.like(file.tensors.get('offsets'), { dtype, shape: [4] });
    t.is(file.tensors.get('offsets')!.byteOffset % (dtype === 'I64' ? 8 : 4), 0);
    t.is(file.tensors.get('x')!.byteOffset % 64, 0);
    await file.close();
  }
});

test('The output takes over the layout of its input, with a modelDim of its own', async (t) => {
  const input = await openScratch(
    t,
    'a.safetensors',
    safetensorsFile({ b: rows([1, 2]), a: rows([2, 2], 8) }, 24),
  );
  const reader = await roundTrip(t, 'b.safetensors', input, { modelDim: 5 });
  t.like(reader, { form: 'named', names: ['b', 'a'], lengths: [1, 2], modelDim: 5 });
  t.deepEqual(await readAll(reader), upTo(15));
});

test('Sequences of one .npy file come back from another', async (t) => {
  const stacked = await roundTrip(t, 'b.npy', await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12)));
  t.like(stacked, { form: 'stacked', count: 2, lengths: [3, 3] });
  t.deepEqual(await readAll(stacked), upTo(12));
  const single = await roundTrip(t, 'b.npy', await openScratch(t, 'a.npy', npy('(3, 2)', 6)));
  t.like(single, { form: 'single', lengths: [3] });
});

test('Sequences of .npy become packed in .safetensors, and equal lengths become .npy', async (t) => {
  const input = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  const reader = await roundTrip(t, 'b.safetensors', input);
  t.like(reader, { form: 'packed', offsets: [0, 3, 6] });
  t.like(await roundTrip(t, 'c.npy', reader), { form: 'stacked', lengths: [3, 3] });
});

test('Files without sequences come back', async (t) => {
  const layout = createLayout({ modelDim: 4, lengths: [] });
  t.like(await roundTrip(t, 'a.safetensors', layout), { count: 0, modelDim: 4 });
  t.like(await roundTrip(t, 'a.npy', layout), { count: 0, modelDim: 4 });
});

test('Unequal lengths are no .npy, which the error says, and nothing is left', async (t) => {
  const folder = await makeFolder(t);
  const write = async (lengths: number[], layout?: SequenceLayout) => {
    const writer = await createSequenceWriter(join(folder, 'a.npy'), { modelDim: 2, layout });
    for (const length of lengths) await writer.append({ lengths: [length] }, new Float32Array(2 * length));
    await writer.commit();
  };
  const what = '.npy holds equal lengths only (.safetensors, .jsonl and .arrow hold any)';
  const unequal = { code: 'INVALID_OPTION', what } as const;
  await assertRefused(t, () => write([3, 3, 4]), unequal);
  await assertRefused(t, () => write([], createLayout({ modelDim: 2, lengths: [3, 4] })), unequal);
  t.deepEqual(await readdir(folder), []);
});

test('Names of packed sequences come back from .safetensors', async (t) => {
  const names = ['a', 7, null];
  const layout = { ...createLayout({ modelDim: 2, lengths: [1, 0, 2] }), names };
  t.like(await roundTrip(t, 'a.safetensors', layout), { form: 'packed', names, lengths: [1, 0, 2] });
});

test('A file whose header lists its sequences can’t be committed before all were written', async (t) => {
  const folder = await makeFolder(t);
  const layout = createLayout({ form: 'named', modelDim: 1, lengths: [1, 2], names: ['a', 'b'] });
  const path = join(folder, 'a.safetensors');
  const short = await createSequenceWriter(path, { modelDim: 1, form: 'named', layout });
  await short.append({ lengths: [1] }, Float32Array.of(1));
  await assertRefused(t, () => short.commit(), { code: 'INVALID_OPTION', what: '`sequences[1]`' });
  const wrong = await createSequenceWriter(path, { modelDim: 1, form: 'named', layout });
  const append = () => wrong.append({ lengths: [2] }, new Float32Array(2));
  await assertRefused(t, append, { code: 'INVALID_OPTION', what: '`lengths[0]`, got `2`' });
  t.deepEqual(await readdir(folder), []);
});

test('Numbers of 16 bits are written where asked for, and pooled rows without an axis of tokens', async (t) => {
  const layout = createLayout({ modelDim: 2, lengths: [1, 1] });
  for (const dtype of ['f16', 'bf16'] as const) {
    const reader = await roundTrip(t, 'a.safetensors', layout, { dtype });
    t.deepEqual(await readAll(reader), upTo(4));
    const file = await openTensorFile(reader.path);
    t.is(file.tensors.get('x')!.dtype, dtype === 'f16' ? 'F16' : 'BF16');
    await file.close();
  }
  t.like(await roundTrip(t, 'a.npy', layout, { dtype: 'f16', isPooled: true }), {
    form: 'single',
    lengths: [2],
  });
  const path = join(await makeFolder(t), 'a.npy');
  await assertRefused(t, () => createSequenceWriter(path, { modelDim: 1, dtype: 'bf16' }), {
    code: 'INVALID_OPTION',
    what: 'f32 or f16 for .npy',
  });
});
