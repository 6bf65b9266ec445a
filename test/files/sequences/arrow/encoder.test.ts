import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tableFromIPC, type Table, type Vector } from 'apache-arrow';
import { arrowFormat } from '../../../../src/files/sequences/arrow-format.js';
import type { OutputOutline, Sequences } from '../../../../src/files/sequences/sequences.js';
import { assertRefused } from '../../../helpers/assertions.js';
import {
  assertCutsAgree,
  assertGoesOn,
  concat,
  encode as encodedBy,
  halved,
  lengths,
  names,
  rows,
  texts,
} from '../../../helpers/encoded-sequences.js';
import { makeFolder } from '../../../helpers/make-folder.js';
import { openArrow, readAll, width } from '../../../helpers/arrow-tables.js';

const outlineOf = (path: string, rest: Partial<OutputOutline> = {}): OutputOutline => ({
  path,
  form: 'packed',
  modelDim: width,
  dtype: 'f32',
  isPooled: false,
  metadata: new Map(),
  ...rest,
});

const encoderOf = (outline: OutputOutline) => arrowFormat.createEncoder!(outline);

const encode = encodedBy.bind(null, encoderOf);

/** What the package itself finds in column `x`, as numbers. */
function numbersOf(table: Table): number[] {
  const flatten = (value: unknown): number[] =>
    typeof value === 'number' ? [value] : [...(value as Vector)].flatMap(flatten);
  return flatten(table.getChild('x')!);
}

async function readBack(t: ExecutionContext, bytes: Uint8Array) {
  const path = join(await makeFolder(t), 'a.arrow');
  await writeFile(path, bytes);
  return readAll(await openArrow(path), 6);
}

for (const path of ['a.arrow', 'a.feather', 'a.arrows', '-']) {
  for (const dtype of ['f32', 'f16'] as const) {
    const numbers = dtype === 'f32' ? [...rows] : halved;
    const outline = outlineOf(path, { dtype, metadata: new Map([['kernel', 'native']]) });

    test(`Sequences in ${dtype} written to ${path} are read by the package and by us`, async (t) => {
      const bytes = await encode(outline, { lengths, names });
      t.is(bytes.toString('latin1', 0, 6) === 'ARROW1', path === 'a.arrow' || path === 'a.feather');
      const table = tableFromIPC(bytes);
      const type = dtype === 'f32' ? 'Float32' : 'Float16';
      t.is(table.schema.fields.join(), `id: Utf8,x: List<FixedSizeList[2]<${type}>>`);
      t.deepEqual(table.schema.fields.map(({ nullable }) => nullable), [true, false]); // prettier-ignore
      t.deepEqual(table.schema.metadata, new Map([['kernel', 'native']]));
      t.deepEqual([...table.getChild('id')!], texts); // prettier-ignore
      t.deepEqual([...table.getChild('x')!].map((row) => (row as Vector).length), lengths); // prettier-ignore
      t.deepEqual(numbersOf(table), numbers);

      const all = await readBack(t, bytes);
      t.deepEqual(all.lengths, lengths);
      t.deepEqual(all.names, texts); // prettier-ignore
      t.deepEqual(all.numbers, numbers);
      t.deepEqual(all.damages, []);
    });

    test(`The bytes in ${dtype} of ${path} do not depend on how calls are cut`, (t) =>
      assertCutsAgree(t, encoderOf, outline));

    test(`An encoder in ${dtype} of ${path} that goes on gives the rest of the bytes`, (t) =>
      assertGoesOn(t, encoderOf, outline));

    test(`No sequences at all in ${dtype} of ${path} are an empty table`, async (t) => {
      const bytes = await encode(outline, { lengths: [] });
      t.is(tableFromIPC(bytes).numRows, 0);
      t.deepEqual((await readBack(t, bytes)).lengths, []);
    });

    test(`Pooled sequences in ${dtype} of ${path} are rows of one axis`, async (t) => {
      const pooled = { lengths: new Array<number>(12).fill(1), names: [...names, ...names] };
      const bytes = await encode({ ...outline, isPooled: true }, pooled, [2, 7]);
      const table = tableFromIPC(bytes);
      t.is(table.numRows, 12);
      t.regex(table.schema.fields.join(), /x: FixedSizeList\[2\]<Float/);
      t.deepEqual(numbersOf(table), numbers);
      t.deepEqual([...table.getChild('id')!].slice(6), texts); // prettier-ignore
    });
  }
}

test('Sequences without names have none in the file', async (t) => {
  const bytes = await encode(outlineOf('a.arrow'), { lengths });
  t.deepEqual([...tableFromIPC(bytes).getChild('id')!], lengths.map(() => null)); // prettier-ignore
  t.deepEqual((await readBack(t, bytes)).names, lengths.map(() => null)); // prettier-ignore
});

test('Rows in f32 are written from where they are, shared memory too', async (t) => {
  const shared = new Float32Array(new SharedArrayBuffer(rows.byteLength));
  shared.set(rows);
  const encoder = await encoderOf(outlineOf('a.arrow'));
  const pieces = encoder.encode({ lengths, names }, shared);
  const own = pieces.filter(({ buffer }) => buffer === shared.buffer);
  t.deepEqual(own.map(({ byteLength }) => byteLength), lengths.filter(Boolean).map((tokens) => tokens * width * 4)); // prettier-ignore
  const other = await encoderOf(outlineOf('a.arrow'));
  t.deepEqual(concat(pieces), concat(other.encode({ lengths, names }, rows)));
});

test('Every message begins at a multiple of 8, whatever the width', async (t) => {
  for (const modelDim of [1, 3, 5]) {
    for (const dtype of ['f32', 'f16'] as const) {
      const encoder = await encoderOf(outlineOf('a.arrow', { modelDim, dtype }));
      t.is(encoder.prologue.byteLength % 8, 0);
      for (const tokens of [1, 2, 3]) {
        const pieces = encoder.encode({ lengths: [tokens], names: ['n'.repeat(tokens)] }, rows.subarray(0, tokens * modelDim)); // prettier-ignore
        t.is(concat(pieces).length % 8, 0);
      }
    }
  }
});

test('Sequences that take other bytes than assumed are refused', async (t) => {
  const path = 'a.arrow';
  const encoder = await encoderOf(outlineOf(path));
  const bytes = concat(encoder.encode({ lengths, names }, rows)).length;
  const assume = (sequences: Sequences, byteLength: number) => async () => {
    (await encoderOf(outlineOf(path))).assume(sequences, byteLength);
  };
  await assume({ lengths, names }, bytes)();
  const refusal = {
    code: 'INVALID_FILE',
    path: `${path}: `,
    what: `6 sequences for \`data\`, got \`${bytes}\``,
  } as const;
  await assertRefused(t, assume({ lengths: [3, 0, 1, 2, 5, 3], names }, bytes), refusal);
  await assertRefused(t, assume({ lengths }, bytes), refusal);
  await assertRefused(t, assume({ lengths, names }, bytes + 8), { ...refusal, what: `got \`${bytes + 8}\`` });
});

test('What Arrow can’t hold is refused', async (t) => {
  const path = 'a.arrow';
  await assertRefused(t, () => encoderOf(outlineOf(path, { dtype: 'bf16' })), {
    code: 'INVALID_OPTION',
    path,
    what: 'got `bf16`',
  });
  const encoder = await encoderOf(outlineOf(path));
  const long = { code: 'INVALID_OPTION', what: '`lengths[1]`, got `2147483648`' } as const;
  await assertRefused(t, () => encoder.encode({ lengths: [0, 2 ** 31] }, rows), long);
  const pooled = await encoderOf(outlineOf(path, { isPooled: true }));
  for (const tokens of [0, 2]) {
    const what = `1 token in Arrow for \`lengths[0]\`, got \`${tokens}\``;
    await assertRefused(t, () => pooled.encode({ lengths: [tokens] }, rows), {
      code: 'INVALID_OPTION',
      what,
    });
  }
});
