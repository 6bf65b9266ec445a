import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatOf, openSequences } from '../../../src/files/sequences/formats.js';
import { countTokens, createLayout } from '../../../src/files/sequences/layout.js';
import { createSequenceWriter, type WriterOptions } from '../../../src/files/sequences/sequence-writer.js';
import type {
  OutputOutline,
  SequenceLayout,
  SequenceReader,
  SequenceSpan,
} from '../../../src/files/sequences/sequences.js';
import { openTensorFile } from '../../../src/files/tensor-file.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { float32Bytes, npyFile, rejects, safetensorsFile, writeScratch } from '../scratch.js';

async function openScratch(t: ExecutionContext, name: string, bytes: Uint8Array): Promise<SequenceReader> {
  const reader = await openSequences(await writeScratch(t, name, bytes));
  t.teardown(() => reader.close());
  return reader;
}

async function readAll(reader: SequenceReader): Promise<number[]> {
  const target = new Float32Array(new SharedArrayBuffer(reader.offsets.at(-1)! * reader.modelDim * 4));
  await reader.read(0, reader.count, target);
  return [...target];
}

/** Writes 1, 2, 3 … as the rows of `layout`, a sequence at a time, and opens the result. */
async function roundTrip(
  t: ExecutionContext,
  name: string,
  layout: SequenceLayout,
  options?: Partial<WriterOptions>,
): Promise<SequenceReader> {
  const path = join(await makeFolder(t), name);
  const { modelDim = layout.modelDim } = options ?? {};
  const writer = await createSequenceWriter(path, { form: layout.form, layout, modelDim, ...options });
  for (const [index, length] of layout.lengths.entries()) {
    const begin = layout.offsets[index]! * modelDim;
    const rows = new Float32Array(length * modelDim).map((_, i) => begin + i + 1);
    await writer.append({ lengths: [length], ...(layout.names && { names: [layout.names[index]!] }) }, rows);
  }
  await writer.commit();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  return reader;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const rows = (shape: number[], begin = 0) => {
  const bytes = shape.reduce((count, length) => count * length, 4);
  return { dtype: 'F32', shape, data_offsets: [begin, begin + bytes] };
};

/** A packed file of 3 rows of 2 numbers with the given offsets. */
function packed(offsets: number[], dtype: 'I32' | 'I64' = 'I64', shape = [offsets.length]): Buffer {
  const numbers = dtype === 'I32' ? Int32Array.from(offsets) : BigInt64Array.from(offsets, BigInt);
  const header = { x: rows([3, 2]), offsets: { dtype, shape, data_offsets: [24, 24 + numbers.byteLength] } };
  const data = Buffer.concat([float32Bytes(...upTo(6)), new Uint8Array(numbers.buffer)]);
  return safetensorsFile(header, data);
}

const npy = (shape: string, count: number, descr = '<f4') =>
  npyFile(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}}`, float32Bytes(...upTo(count)));

for (const dtype of ['I32', 'I64'] as const) {
  test(`Packed sequences are read by their ${dtype} offsets, empty ones included`, async (t) => {
    const reader = await openScratch(t, 'a.safetensors', packed([0, 1, 1, 3], dtype));
    t.like(reader, { form: 'packed', modelDim: 2, count: 3, lengths: [1, 0, 2], offsets: [0, 1, 1, 3] });
    t.deepEqual(await readAll(reader), upTo(6));
    const last = new Float32Array(4);
    await reader.read(1, 2, last);
    t.deepEqual([...last], [3, 4, 5, 6]);
  });
}

test('Named sequences keep their names and the order of the header', async (t) => {
  const header = { late: rows([1, 2], 8), early: rows([1, 2]), none: rows([0, 2], 16) };
  const reader = await openScratch(t, 'a.safetensors', safetensorsFile(header, float32Bytes(1, 2, 3, 4)));
  t.like(reader, { form: 'named', names: ['late', 'early', 'none'], lengths: [1, 1, 0] });
  t.deepEqual(await readAll(reader), [3, 4, 1, 2]);
});

test('A tensor x without offsets is one named sequence', async (t) => {
  const reader = await openScratch(t, 'a.safetensors', safetensorsFile({ x: rows([3, 2]) }, 24));
  t.like(reader, { form: 'named', names: ['x'], lengths: [3] });
});

test('A .npy file of three axes holds sequences of equal lengths', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  t.like(reader, { form: 'stacked', modelDim: 2, count: 2, lengths: [3, 3] });
  t.deepEqual(await readAll(reader), upTo(12));
});

test('A .npy file of two axes holds one sequence', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(3, 2)', 6));
  t.like(reader, { form: 'single', modelDim: 2, count: 1, lengths: [3] });
});

const refuses = test.macro({
  title: (title) => `A file of sequences is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, name: string, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, name, bytes);
    await rejects(t, () => openSequences(path), { code: 'INVALID_FILE', path: `${path}: `, what });
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
test('An unknown extension is refused', async (t) => {
  await rejects(t, () => openSequences('a.csv'), {
    code: 'INVALID_OPTION',
    what: '.safetensors, .npy, .npz, .jsonl',
  });
});

test('Sequences that do not exist, and a target of another size, are refused', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  const read = (first: number, count: number, length: number) => () =>
    reader.read(first, count, new Float32Array(length));
  await rejects(t, read(3, 0, 0), { code: 'INVALID_OPTION', what: '`first`, got `3`' });
  await rejects(t, read(-1, 1, 6), { code: 'INVALID_OPTION', what: '`first`' });
  await rejects(t, read(1, 2, 12), { code: 'INVALID_OPTION', what: '`count`, got `2`' });
  await rejects(t, read(0, 0.5, 3), { code: 'INVALID_OPTION', what: '`count`' });
  await rejects(t, read(0, 1, 5), { code: 'INVALID_SHAPE', what: '`data`, got a Float32Array of 5' });
  await read(2, 0, 0)();
});

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
  const input = await openScratch(t, st, safetensorsFile({ b: rows([1, 2]), a: rows([2, 2], 8) }, 24));
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
  const unequal = { code: 'INVALID_OPTION', what: '.npy holds equal lengths only' } as const;
  await rejects(t, () => write([3, 3, 4]), unequal);
  await rejects(t, () => write([], createLayout({ modelDim: 2, lengths: [3, 4] })), unequal);
  await rejects(t, () => write([0, 0]), { code: 'INVALID_OPTION', what: '`lengths[0]`' });
  t.deepEqual(await readdir(folder), []);
});

test('Names of packed sequences come back from .safetensors', async (t) => {
  const names = ['a', 7, null];
  const layout = { ...createLayout({ modelDim: 2, lengths: [1, 0, 2] }), names };
  t.like(await roundTrip(t, 'a.safetensors', layout), { form: 'packed', names, lengths: [1, 0, 2] });
});

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
    await rejects(t, () => openSequences(path), { code: 'INVALID_FILE', path, what: '`ids' });
  }
});

test('A file whose header lists its sequences can’t be committed before all were written', async (t) => {
  const folder = await makeFolder(t);
  const layout = createLayout({ form: 'named', modelDim: 1, lengths: [1, 2], names: ['a', 'b'] });
  const path = join(folder, 'a.safetensors');
  const short = await createSequenceWriter(path, { modelDim: 1, form: 'named', layout });
  await short.append({ lengths: [1] }, Float32Array.of(1));
  await rejects(t, () => short.commit(), { code: 'INVALID_OPTION', what: '`sequences[1]`' });
  const wrong = await createSequenceWriter(path, { modelDim: 1, form: 'named', layout });
  const append = () => wrong.append({ lengths: [2] }, new Float32Array(2));
  await rejects(t, append, { code: 'INVALID_OPTION', what: '`lengths[0]`, got `2`' });
  t.deepEqual(await readdir(folder), []);
});

const encodesAlike = test.macro({
  title: (title) => `The bytes don't depend on how sequences are cut, nor on an interruption: ${title ?? ''}`,
  exec: async (t: ExecutionContext, path: string, parts: Partial<OutputOutline>, lengths: number[]) => {
    const outline: OutputOutline = {
      ...{
        path,
        form: 'packed',
        modelDim: 3,
        dtype: 'f32',
        isPooled: false,
        metadata: new Map([['a', 'b']]),
      },
      ...parts,
    };
    const rows = Float32Array.from(upTo(3 * countTokens(lengths)));
    const encode = async (cuts: readonly number[], assumed: number): Promise<Buffer> => {
      const encoder = await formatOf(path).createEncoder!(outline);
      const pieces: Uint8Array[] = [];
      let [first, begin] = [0, 0];
      for (const end of [...cuts, lengths.length]) {
        const part = lengths.slice(first, end);
        const length = 3 * countTokens(part);
        const bytes = (await formatOf(path).createEncoder!(outline))
          .encode({ lengths: part }, rows.subarray(begin, begin + length))
          .map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
        const whole = Buffer.concat(bytes);
        if (end <= assumed) encoder.assume({ lengths: part }, whole.length);
        else encoder.encode({ lengths: part }, rows.subarray(begin, begin + length));
        pieces.push(whole);
        [first, begin] = [end, begin + length];
      }
      const { prologue = encoder.prologue, epilogue } = encoder.finish();
      t.is(prologue.length, encoder.prologue.length);
      return Buffer.concat([prologue, ...pieces, epilogue]);
    };
    const once = await encode([], 0);
    t.true(once.length > 0);
    for (let assumed = 0; assumed <= lengths.length; assumed++)
      t.deepEqual(await encode([1, 2], assumed), once);
  },
});

test('packed .safetensors', encodesAlike, 'a.safetensors', {}, [2, 0, 3]);
test('packed .safetensors of halves', encodesAlike, 'a.safetensors', { dtype: 'f16' }, [2, 1, 3]);
test('.npy', encodesAlike, 'a.npy', {}, [2, 2, 2]);
test('.npy of halves', encodesAlike, 'a.npy', { dtype: 'f16' }, [2, 2, 2]);
test('.jsonl', encodesAlike, 'a.jsonl', {}, [2, 0, 3]);

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
  await rejects(t, () => createSequenceWriter(path, { modelDim: 1, dtype: 'bf16' }), {
    code: 'INVALID_OPTION',
    what: 'f32 or f16 for .npy',
  });
});

test('A stream gives whole sequences that fit, one at least, and goes on where another stopped', async (t) => {
  const path = (await roundTrip(t, 'a.safetensors', createLayout({ modelDim: 2, lengths: [2, 3, 0, 4, 1] })))
    .path;
  const take = async (mostTokens: number, sequence: number) => {
    const stream = await formatOf(path).openStream({ path, modelDim: 2, start: { sequence } });
    const lengths: (readonly number[])[] = [];
    const numbers: number[] = [];
    let last: SequenceSpan | undefined;
    for (;;) {
      const span = (await stream.next(mostTokens)) as SequenceSpan | undefined;
      if (span === undefined) break;
      last = span;
      lengths.push(span.lengths);
      const target = new Float32Array(2 * countTokens(span.lengths));
      await span.read(target);
      numbers.push(...target);
    }
    await stream.close();
    t.like(last, { end: { sequence: 5 }, share: 1 });
    return { lengths, numbers };
  };
  t.deepEqual(await take(5, 0), {
    lengths: [
      [2, 3, 0],
      [4, 1],
    ],
    numbers: upTo(20),
  });
  t.deepEqual((await take(1, 0)).lengths, [[2], [3], [0], [4], [1]]);
  t.deepEqual(await take(100, 3), { lengths: [[4, 1]], numbers: upTo(20).slice(10) });
  const open = (modelDim: number, sequence: number) => () =>
    formatOf(path).openStream({ path, modelDim, start: { sequence } });
  await rejects(t, open(3, 0), {
    code: 'INVALID_SHAPE',
    path,
    what: 'modelDim 3, as the weights have, got 2',
  });
  await rejects(t, open(2, 6), { code: 'INVALID_FILE', path, what: '`sequences`, got `5`' });
});

test('Sequences behind 2 GiB are read where they belong', async (t) => {
  const first = 2 ** 28;
  const tensors = {
    x: { dtype: 'F32', shape: [first + 2, 4], data_offsets: [0, 16 * (first + 2)] },
    offsets: { dtype: 'I64', shape: [3], data_offsets: [16 * (first + 2), 16 * (first + 2) + 24] },
  };
  const header = safetensorsFile(tensors);
  const path = await writeScratch(t, 'a.safetensors', header);
  const handle = await open(path, 'r+');
  await handle.write(float32Bytes(...upTo(8)), 0, 32, header.length + 16 * first);
  const offsets = BigInt64Array.of(0n, BigInt(first), BigInt(first + 2));
  await handle.write(new Uint8Array(offsets.buffer), 0, 24, header.length + 16 * (first + 2));
  await handle.close();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  const target = new Float32Array(8);
  await reader.read(1, 1, target);
  t.deepEqual([...target], upTo(8));
});

const layoutRefuses = test.macro(
  async (t: ExecutionContext, parts: Parameters<typeof createLayout>[0], what: string) => {
    await rejects(t, () => createLayout(parts), { code: 'INVALID_OPTION', what });
  },
);

test('A modelDim of 0 is no layout', layoutRefuses, { modelDim: 0, lengths: [1] }, '`modelDim`, got `0`');
test(
  'A negative length is no layout',
  layoutRefuses,
  { modelDim: 1, lengths: [1, -1] },
  '`lengths[1]`, got `-1`',
);
test('A fractional length is no layout', layoutRefuses, { modelDim: 1, lengths: [1.5] }, '`lengths[0]`');
test(
  'More than 2^53 numbers are no layout',
  layoutRefuses,
  { modelDim: 2 ** 30, lengths: [2 ** 30] },
  '`lengths`',
);
