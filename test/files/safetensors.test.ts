import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../src/core/errors.js';
import { formatSafetensorsHeader, parseSafetensorsHeader } from '../../src/files/safetensors.js';
import { bytesPerStored, storageTypes } from '../../src/files/storage.js';
import { safetensorsFile } from './scratch.js';
import { assertRefused } from '../helpers/assertions.js';
import { soon } from '../helpers/cpu-time.js';

const parse = (bytes: Uint8Array, fileSize = bytes.length) =>
  parseSafetensorsHeader(bytes, 'a.safetensors', fileSize);

/** The entry of `[count]` float32 numbers from `begin` on. */
const floats = (begin: number, count: number) => ({
  dtype: 'F32',
  shape: [count],
  data_offsets: [begin, begin + count * 4],
});

/** A file of one tensor `a` whose two numbers are described with changes. */
const changed = (changes: object) => safetensorsFile({ a: { ...floats(0, 2), ...changes } }, 8);

const withLength = (length: bigint) => {
  const bytes = safetensorsFile({}, 8);
  bytes.writeBigUInt64LE(length);
  return bytes;
};

const refuses = test.macro({
  title: (title) => `A .safetensors header is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, field: string, fileSize?: number) => {
    await assertRefused(t, () => soon(t, () => parse(bytes, fileSize)), {
      code: 'INVALID_FILE',
      path: 'a.safetensors: ',
      what: field,
    });
  },
});

test('empty file', refuses, Buffer.alloc(0), '`header length`, got `0`');
test('7 bytes', refuses, Buffer.alloc(7), '`header length`, got `7`');
test('length 2^63', refuses, withLength(2n ** 63n), '`header length`');
test('length 2^64 - 1', refuses, withLength(2n ** 64n - 1n), '`header length`');
test('over 100 MB', refuses, withLength(100_000_001n), '`header length`', 200_000_000);
test('longer than the file', refuses, withLength(11n), '`header length`, got `11`');
test('no header', refuses, safetensorsFile(''), '`header`');
test('blank before the brace', refuses, safetensorsFile(' {}'), '`header`');
test('byte order mark', refuses, safetensorsFile('\ufeff{}'), '`header`');
test('bad UTF-8', refuses, safetensorsFile(Buffer.from('{"\xff":1}', 'latin1')), 'UTF-8 for `header`');
test('a list', refuses, safetensorsFile('[]'), '`header`');
test(
  'duplicate tensor',
  refuses,
  safetensorsFile('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":1}'),
  'expected `a` once, got it twice',
);
test(
  'duplicate field',
  refuses,
  safetensorsFile('{"a":{"dtype":"F32","dtype":"F32"}}'),
  'expected `a.dtype` once, got it twice',
);
test('a tensor that is a number', refuses, safetensorsFile({ a: 1 }), '`a`, got `1`');
test('unknown field', refuses, changed({ extra: 1 }), '`a`, got `"extra"`');
test('missing dtype', refuses, changed({ dtype: undefined }), '`a.dtype`, got nothing');
test('unknown dtype', refuses, changed({ dtype: 'F4' }), '`a.dtype`, got `"F4"`');
test('dtype named like a property', refuses, changed({ dtype: 'constructor' }), '`a.dtype`');
test('shape that is a number', refuses, changed({ shape: 2 }), '`a.shape`');
test('negative length', refuses, changed({ shape: [-2] }), '`a.shape`, got `[-2]`');
test('fractional length', refuses, changed({ shape: [1.5] }), '`a.shape`');
test('product over 2^53', refuses, changed({ shape: [2 ** 40, 2 ** 40] }), '`a.shape`');
test('shape beyond the span', refuses, changed({ shape: [3] }), '`a.data_offsets`, got `[0,8]`');
test('dtype beyond the span', refuses, changed({ dtype: 'F64' }), '`a.data_offsets`');
test('missing offsets', refuses, changed({ data_offsets: undefined }), '`a.data_offsets`, got nothing');
test('one offset', refuses, changed({ data_offsets: [0] }), '`a.data_offsets`');
test('three offsets', refuses, changed({ data_offsets: [0, 8, 8] }), '`a.data_offsets`');
test('reversed offsets', refuses, changed({ data_offsets: [8, 0] }), '`a.data_offsets`, got `[8,0]`');
test('negative offsets', refuses, changed({ data_offsets: [-8, 0] }), '`a.data_offsets`, got `[-8,0]`');
test('fractional offsets', refuses, changed({ data_offsets: [0.5, 8.5] }), '`a.data_offsets`');
test('offsets beyond the file', refuses, safetensorsFile({ a: floats(0, 3) }, 8), '`data`, got `8`');
test('overlap', refuses, safetensorsFile({ a: floats(0, 2), b: floats(4, 2) }, 12), '`b.data_offsets`');
test(
  'the same span twice',
  refuses,
  safetensorsFile({ a: floats(0, 2), b: floats(0, 2) }, 8),
  '`b.data_offsets`',
);
test('hole', refuses, safetensorsFile({ a: floats(0, 2), b: floats(12, 1) }, 16), '`b.data_offsets`');
test('hole at the start', refuses, safetensorsFile({ a: floats(4, 1) }, 8), '`a.data_offsets`, got `4`');
test('trailing data', refuses, safetensorsFile({ a: floats(0, 2) }, 9), '`data`, got `9`');
test('data without tensors', refuses, safetensorsFile({}, 1), '`data`, got `1`');
test('metadata that is a list', refuses, safetensorsFile({ __metadata__: [] }), '`__metadata__`');
test(
  'metadata of numbers',
  refuses,
  safetensorsFile({ __metadata__: { n: 1 } }),
  '`__metadata__.n`, got `1`',
);

test('Tensors are found in the order of the header, whatever the order of their data', async (t) => {
  const { tensors, dataOffset } = await parse(safetensorsFile({ b: floats(8, 1), a: floats(0, 2) }, 12));
  t.deepEqual([...tensors.keys()], ['b', 'a']);
  t.like(tensors.get('b'), { dtype: 'F32', shape: [1], byteOffset: dataOffset + 8, byteLength: 4 });
});

test('Names that JavaScript treats as special are names like others', async (t) => {
  const header = `{"__metadata__":{"__proto__":"m"},"__proto__":${JSON.stringify(floats(0, 2))}}`;
  const { tensors, metadata } = await parse(safetensorsFile(header, 8));
  t.deepEqual(tensors.get('__proto__')?.shape, [2]);
  t.is(metadata.get('__proto__'), 'm');
  t.is(metadata.get('constructor'), undefined);
});

test('Empty tensors may stand anywhere between others', async (t) => {
  const empty = { dtype: 'F32', shape: [0, 64], data_offsets: [8, 8] };
  const { tensors } = await parse(safetensorsFile({ b: floats(8, 1), e: empty, a: floats(0, 2) }, 12));
  t.like(tensors.get('e'), { shape: [0, 64], byteLength: 0 });
});

test('Tensors of more than 2 GiB are located exactly', async (t) => {
  const count = 3 * 2 ** 30;
  const bytes = safetensorsFile({ a: floats(0, count), b: floats(count * 4, count) });
  const { tensors, dataOffset } = await parse(bytes, bytes.length + count * 8);
  t.is(tensors.get('b')?.byteOffset, dataOffset + count * 4);
});

test('A header of 100,000 tensors is read soon', async (t) => {
  const outlines = Array.from({ length: 100_000 }, (_, index) => {
    return { name: `model.layers.${index}.self_attn.q_proj.weight`, dtype: 'F32' as const, shape: [1, 2] };
  });
  const { bytes, fileSize } = formatSafetensorsHeader(outlines);
  // Where every name was compared with every other, it would take minutes.
  const { tensors } = await soon(t, () => parse(bytes, fileSize), undefined, 20_000);
  t.is(tensors.size, 100_000);
});

test('While a long header is read, others have their turns', async (t) => {
  const outlines = Array.from({ length: 100_000 }, (_, index) => {
    return { name: `tensor ${index}`, dtype: 'F32' as const, shape: [1] };
  });
  const { bytes, fileSize } = formatSafetensorsHeader(outlines);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await parse(bytes, fileSize);
  clearInterval(timer);
  t.true(turns > 1, `${turns} turns`);
});

test('What we write is read back equal, with data at a multiple of 64', async (t) => {
  const outlines = fc.uniqueArray(
    fc.record({
      name: fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom(...storageTypes),
      shape: fc.array(fc.nat(9), { maxLength: 4 }),
    }),
    { selector: ({ name }) => name },
  );
  const metadata = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })));
  await fc.assert(
    fc.asyncProperty(outlines, metadata, async (tensors, pairs) => {
      const written = formatSafetensorsHeader(tensors, new Map(pairs));
      t.is(written.dataOffset % 64, 0);
      t.is(written.bytes.length, written.dataOffset);
      const read = await parse(written.bytes, written.fileSize);
      t.deepEqual(read.tensors, written.tensors);
      t.deepEqual(read.metadata, new Map(pairs));
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('Names that come twice, or are the metadata’s own, are refused when writing', async (t) => {
  const outline = { name: 'a', dtype: 'F32', shape: [1] } as const;
  const option = { code: 'INVALID_OPTION', what: '`tensors`' } as const;
  await assertRefused(t, () => formatSafetensorsHeader([outline, outline]), option);
  await assertRefused(t, () => formatSafetensorsHeader([{ ...outline, name: '__metadata__' }]), option);
});

test('A damaged header is read or refused, and what is read lies inside the file', async (t) => {
  const valid = safetensorsFile(
    {
      __metadata__: { by: 'test' },
      a: floats(0, 2),
      b: { dtype: 'F16', shape: [2, 1], data_offsets: [8, 12] },
    },
    12,
  );
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:0123456789\\-.e ')), fc.nat(255));
  const edit = fc.record({ at: fc.nat(valid.length - 1), byte, removed: fc.nat(2) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      let bytes: Uint8Array = valid;
      for (const { at, byte, removed } of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at + removed)]);
      }
      try {
        for (const { byteOffset, byteLength, shape, dtype } of (await parse(bytes)).tensors.values()) {
          t.is(
            byteLength,
            shape.reduce((count, length) => count * length, bytesPerStored(dtype)),
          );
          t.true(byteOffset + byteLength <= bytes.length);
        }
      } catch (error) {
        if (!(error instanceof HeadpoolError)) throw error;
      }
    }),
    { seed: 6, numRuns: 5000, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true },
  );
});
