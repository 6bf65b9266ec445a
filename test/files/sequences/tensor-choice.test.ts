// Which tensors of .safetensors and .npz are sequences: stacked ones, padded ones with lengths or masks, one of several.
import test, { type ExecutionContext } from 'ava';
import { openSequences } from '../../../src/files/sequences/formats.js';
import type { SequenceReader, TensorChoice } from '../../../src/files/sequences/sequences.js';
import { formatNpyHeader } from '../../../src/files/npy.js';
import { bytesPerStored } from '../../../src/files/storage.js';
import { assertRefused } from '../../helpers/assertions.js';
import { readAll, upTo } from '../../helpers/reader-files.js';
import { writeScratch, safetensorsFile } from '../scratch.js';
import { zipFile } from '../zip-bytes.js';

interface Given {
  readonly dtype: 'F32' | 'I64' | 'I32' | 'BOOL' | 'U8';
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}
type Tensors = Readonly<Record<string, Given>>;

const rows = (shape: readonly number[]): Given => {
  return { dtype: 'F32', shape, numbers: upTo(shape.reduce((a, b) => a * b, 1)) };
};
const integers = (
  shape: readonly number[],
  numbers: readonly number[],
  dtype: Given['dtype'] = 'I64',
): Given => {
  return { dtype, shape, numbers };
};

function bytesOf({ dtype, numbers }: Given): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(Float32Array.from(numbers).buffer);
  if (dtype === 'I64') return new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
  return dtype === 'I32' ? new Uint8Array(Int32Array.from(numbers).buffer) : Uint8Array.from(numbers);
}

const makers = {
  safetensors: (tensors: Tensors) => {
    let end = 0;
    const header = Object.entries(tensors).map(([name, { dtype, shape, numbers }]) => {
      const begin = end;
      end += numbers.length * bytesPerStored(dtype);
      return [name, { dtype, shape, data_offsets: [begin, end] }];
    });
    return safetensorsFile(
      Object.fromEntries(header) as object,
      Buffer.concat(Object.values(tensors).map(bytesOf)),
    );
  },
  npz: (tensors: Tensors) =>
    zipFile(
      Object.entries(tensors).map(([name, given], n) => ({
        name: `${name}.npy`,
        content: Buffer.concat([formatNpyHeader(given.dtype, given.shape), bytesOf(given)]),
        isDeflated: n % 2 === 1,
      })),
    ),
} as const;

async function open(
  t: ExecutionContext,
  format: keyof typeof makers,
  tensors: Tensors,
  choice?: TensorChoice,
): Promise<SequenceReader> {
  const reader = await openSequences(await writeScratch(t, `a.${format}`, makers[format](tensors)), choice);
  t.teardown(() => reader.close());
  return reader;
}

for (const format of ['safetensors', 'npz'] as const) {
  test(`.${format}: one tensor of three axes is stacked`, async (t) => {
    const reader = await open(t, format, { h: rows([2, 3, 2]) });
    t.like(reader, { form: 'stacked', modelDim: 2, lengths: [3, 3] });
    t.deepEqual(await readAll(reader), upTo(12));
    t.like(await open(t, format, { h: rows([1, 3, 2]) }), { form: 'stacked', lengths: [3] });
    t.like(await open(t, format, { h: rows([3, 0, 2]) }), { form: 'stacked', lengths: [0, 0, 0] });
    t.like(await open(t, format, { h: rows([0, 3, 2]) }), { form: 'stacked', lengths: [] });
  });

  test(`.${format}: several tensors [1, tokens, modelDim] are a sequence each`, async (t) => {
    const reader = await open(t, format, { a: rows([1, 3, 2]), b: rows([2, 2]) });
    t.like(reader, { form: 'named', names: ['a', 'b'], lengths: [3, 2] });
    t.deepEqual(await readAll(reader), [...upTo(6), ...upTo(4)]);
  });

  for (const [title, beside, choice] of [
    ['lengths', { lengths: integers([3], [2, 0, 3]) }, undefined],
    ['a mask', { attention_mask: integers([3, 3], [1, 1, 0, 0, 0, 0, 1, 1, 1]) }, undefined],
    [
      'a mask of booleans',
      { attention_mask: integers([3, 3], [1, 1, 0, 0, 0, 0, 1, 1, 1], 'BOOL') },
      undefined,
    ],
    ['lengths of another name', { n: integers([3], [2, 0, 3], 'I32') }, { lengths: 'n' }],
    [
      'one of both',
      {
        lengths: integers([3], [1, 1, 1]),
        attention_mask: integers([3, 3], [1, 1, 0, 0, 0, 0, 1, 1, 1], 'U8'),
      },
      { lengths: 'attention_mask' },
    ],
  ] as const) {
    test(`.${format}: padding is not read, by ${title}`, async (t) => {
      const reader = await open(
        t,
        format,
        { h: rows([3, 3, 2]), ...beside },
        { ...choice, ...(title === 'one of both' && { tensor: 'h' }) },
      );
      t.like(reader, { form: 'packed', modelDim: 2, lengths: [2, 0, 3], offsets: [0, 2, 2, 5] });
      t.deepEqual(await readAll(reader), [1, 2, 3, 4, 13, 14, 15, 16, 17, 18]);
      const last = new Float32Array(6);
      await reader.read(2, 1, last);
      t.deepEqual([...last], [13, 14, 15, 16, 17, 18]);
    });
  }

  test(`.${format}: padding may stand before the tokens`, async (t) => {
    const mask = integers([2, 3], [0, 1, 1, 0, 0, 1]);
    const reader = await open(t, format, { h: rows([2, 3, 1]), attention_mask: mask });
    t.deepEqual(reader.lengths, [2, 1]);
    t.deepEqual(await readAll(reader), [2, 3, 6]);
  });

  test(`.${format}: one of several tensors can be chosen`, async (t) => {
    const tensors = { ids: integers([2, 3], [1, 2, 3, 4, 5, 6]), h0: rows([2, 3, 2]), h1: rows([4, 2]) };
    t.like(await open(t, format, tensors, { tensor: 'h0' }), { form: 'stacked', lengths: [3, 3] });
    const single = await open(t, format, tensors, { tensor: 'h1' });
    t.like(single, { form: 'single', lengths: [4] });
    t.deepEqual(await readAll(single), upTo(8));
    const packed = { x: rows([3, 2]), offsets: integers([3], [0, 1, 3]), y: rows([1, 1]) };
    t.like(await open(t, format, packed, { tensor: 'x' }), { form: 'packed', lengths: [1, 2] });
  });

  const padded = { h: rows([2, 3, 1]) };
  for (const [title, tensors, choice, what] of [
    [
      'an unknown tensor',
      { hidden: rows([2, 1]) },
      { tensor: 'hiden' },
      'one of the tensors hidden for `tensor`, got `"hiden"` (string); did you mean `hidden`?',
    ],
    ['unknown lengths', padded, { lengths: 'n' }, 'one of the tensors h'],
    [
      'several tensors',
      { a: rows([2, 3, 1]), b: rows([2, 3, 1]) },
      {},
      '`--tensor` to choose one of several, for `a.shape`',
    ],
    [
      'a tensor of integers among others',
      { a: rows([3, 1]), b: integers([1], [1]) },
      {},
      '`--tensor` to choose one of several, for `b.dtype`',
    ],
    [
      'lengths and a mask',
      { ...padded, lengths: integers([2], [1, 1]), attention_mask: integers([2, 3], [1, 0, 0, 1, 0, 0]) },
      {},
      '`--lengths` to choose',
    ],
    [
      'lengths beyond the tokens',
      { ...padded, lengths: integers([2], [1, 4]) },
      {},
      '0 to 3 for `lengths[1]`, got `4`',
    ],
    ['lengths below 0', { ...padded, lengths: integers([2], [-1, 4]) }, {}, '`lengths[0]`, got `-1`'],
    [
      'lengths of another count',
      { ...padded, lengths: integers([3], [1, 1, 1]) },
      {},
      '[2] or [2, 3] for `lengths.shape`',
    ],
    [
      'a mask of another shape',
      { ...padded, lengths: integers([2, 2], [1, 1, 1, 1]) },
      {},
      '`lengths.shape`',
    ],
    [
      'a mask with 2',
      { ...padded, lengths: integers([2, 3], [1, 2, 0, 1, 1, 1]) },
      {},
      '0 or 1 for `lengths[0, 1]`, got `2`',
    ],
    [
      'a mask with a gap',
      { ...padded, lengths: integers([2, 3], [1, 0, 1, 1, 1, 1]) },
      {},
      '`lengths[0, 2]`, got `1`',
    ],
    [
      'lengths that are floats',
      { ...padded, lengths: rows([2]) },
      {},
      'integers, or booleans in a mask for `lengths.dtype`',
    ],
    [
      'lengths beside rows',
      { h: rows([2, 3]), n: integers([1], [1]) },
      { lengths: 'n' },
      'a tensor [sequences, tokens, modelDim] alone',
    ],
    [
      'a tensor of one axis',
      { h: rows([4]), a: rows([4]) },
      { tensor: 'h' },
      '[tokens, modelDim] for `h.shape`',
    ],
    [
      'very many empty sequences',
      { h: { ...rows([0, 0]), shape: [1e12, 0, 2] } },
      {},
      'sequences without tokens for `h.shape`',
    ],
  ] as const) {
    test(`.${format}: ${title} is refused`, async (t) => {
      await assertRefused(t, () => open(t, format, tensors, choice), {
        code: 'INVALID_FILE',
        what,
      });
    });
  }
}

test('A file without named tensors has none to choose', async (t) => {
  for (const choice of [{ tensor: 'x' }, { lengths: 'n' }]) {
    await assertRefused(t, () => openSequences('a.npy', choice), {
      code: 'INVALID_OPTION',
      what: 'a file of named tensors (.safetensors, .npz)',
    });
  }
});
