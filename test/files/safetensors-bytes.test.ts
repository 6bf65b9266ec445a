// Safetensors in memory: what is written comes back, in place where it can be, and the rules are those of files.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  formatSafetensors,
  formatSafetensorsPieces,
  parseSafetensors,
} from '../../src/files/safetensors-bytes.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { safetensorsFile } from './scratch.js';

const tensors = new Map([
  ['x', { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, NaN, Infinity, -0) }],
  ['empty', { shape: [0, 64], data: new Float32Array(0) }],
  ['__proto__', { shape: [], data: Float32Array.of(7) }],
]);
const metadata = new Map([['causal', 'true']]);

/** The same bytes, shared, from byte `at` on. */
function share(bytes: Uint8Array, at = 0): Uint8Array<SharedArrayBuffer> {
  const shared = new Uint8Array(new SharedArrayBuffer(at + bytes.length), at);
  shared.set(bytes);
  return shared;
}

test('tensors and metadata come back as they were written, in their order and in shared memory', async (t) => {
  const content = await parseSafetensors(formatSafetensors(tensors, metadata));
  t.deepEqual([...content.tensors.keys()], [...tensors.keys()]);
  for (const [name, { shape, data }] of content.tensors) {
    t.deepEqual(shape, tensors.get(name)!.shape);
    t.deepEqual([...data], [...tensors.get(name)!.data]);
    t.true(data.buffer instanceof SharedArrayBuffer);
  }
  t.deepEqual(content.metadata, metadata);
});

test('the bytes are those of a file', async (t) => {
  const path = join(await makeFolder(t), 'w.safetensors');
  await writeStateDict(path, tensors, metadata);
  t.deepEqual(Buffer.from(formatSafetensors(tensors, metadata)), await readFile(path));
});

test('the pieces are the bytes, and the numbers lie where they were', (t) => {
  const [header, ...numbers] = formatSafetensorsPieces(tensors, metadata);
  t.deepEqual(Buffer.concat([header!, ...numbers]), Buffer.from(formatSafetensors(tensors, metadata)));
  t.deepEqual(
    numbers.map(({ buffer }) => buffer),
    [...tensors.values()].map(({ data }) => data.buffer),
  );
});

test('F32 is taken where it lies in shared memory, and copied where it is not aligned there', async (t) => {
  const bytes = formatSafetensors(tensors);
  for (const [at, isInPlace] of [
    [0, true],
    [4, true],
    [1, false],
  ] as const) {
    const shared = share(bytes, at);
    const x = (await parseSafetensors(shared)).tensors.get('x')!;
    t.is(x.data.buffer === shared.buffer, isInPlace, String(at));
    t.deepEqual([...x.data], [...tensors.get('x')!.data]);
  }
});

test('narrow and wide floats become float32, and other tensors are left out', async (t) => {
  const header = {
    half: { dtype: 'F16', shape: [1], data_offsets: [0, 2] },
    brain: { dtype: 'BF16', shape: [1], data_offsets: [2, 4] },
    double: { dtype: 'F64', shape: [1], data_offsets: [4, 12] },
    steps: { dtype: 'I64', shape: [1], data_offsets: [12, 20] },
    mask: { dtype: 'BOOL', shape: [1], data_offsets: [20, 21] },
  };
  const bytes = safetensorsFile(header, 21);
  const data = bytes.subarray(bytes.length - 21);
  data.set(new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer));
  data.set(new Uint8Array(Float64Array.of(0.1).buffer), 4);
  for (const given of [bytes, share(bytes)]) {
    const read = (await parseSafetensors(given)).tensors;
    t.deepEqual(
      [...read].map(([name, tensor]) => [name, tensor.data[0]]),
      [
        ['half', 1],
        ['brain', -2],
        ['double', Math.fround(0.1)],
      ],
    );
  }
});

test('damaged bytes are refused as files are, and what are no bytes too', async (t) => {
  const bytes = formatSafetensors(tensors);
  const code = 'INVALID_FILE';
  await assertRefused(t, () => parseSafetensors(bytes.subarray(0, 7)), { code, what: '`header length`' });
  await assertRefused(t, () => parseSafetensors(bytes.subarray(0, -1)), { code, what: '`data`' });
  await assertRefused(t, () => parseSafetensors(share(bytes.subarray(0, -1))), { code, what: '`data`' });
  await assertRefused(t, () => parseSafetensors(bytes, { maxHeaderBytes: 100 }), {
    code,
    what: 'expected at most 100 for `header length`',
  });
  const overlapping = {
    a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    b: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
  };
  await assertRefused(t, () => parseSafetensors(safetensorsFile(overlapping, 4)), {
    code,
    what: '`b.data_offsets`',
  });
  for (const none of [undefined, 'safetensors', bytes.buffer, new Float32Array(2)]) {
    await assertRefused(t, () => parseSafetensors(none as unknown as Uint8Array), {
      code: 'INVALID_SHAPE',
      what: 'a Uint8Array for `bytes`',
    });
  }
});

test('what no file can hold is not written', async (t) => {
  const one = { shape: [1], data: new Float32Array(1) };
  await assertRefused(t, () => formatSafetensors(new Map([['a', { ...one, shape: [2] }]])), {
    code: 'INVALID_SHAPE',
    what: '`a`, got a Float32Array of 1',
  });
  await assertRefused(t, () => formatSafetensors(new Map([['__metadata__', one]])), {
    code: 'INVALID_OPTION',
    what: '`tensors`',
  });
});
