import { parquetReadObjects, parquetMetadata } from 'hyparquet';
import test from 'ava';
import { parquetFormat } from '../../../../src/files/sequences/parquet-format.js';
import type { OutputOutline } from '../../../../src/files/sequences/sequences.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { readAll } from '../../../helpers/arrow-tables.js';
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
import { openParquetBytes, outlineOf } from '../../../helpers/parquet-files.js';

const encoderOf = (outline: OutputOutline) => parquetFormat.createEncoder!(outline);
const encode = encodedBy.bind(null, encoderOf);

const slurp = async (bytes: Buffer): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: Uint8Array.from(bytes).buffer });

for (const dtype of ['f32', 'f16'] as const) {
  const numbers = dtype === 'f32' ? [...rows] : halved;
  const outline = outlineOf({ dtype, metadata: new Map([['kernel', 'native']]) });

  test(`Sequences in ${dtype} are read by the package and by us`, async (t) => {
    const bytes = await encode(outline, { lengths, names });
    const found = await slurp(bytes);
    t.deepEqual(found.map(({ id }) => id ?? null), texts); // prettier-ignore
    t.deepEqual(found.map(({ x }) => (x as unknown[]).length), lengths); // prettier-ignore
    t.deepEqual(found.flatMap(({ x }) => (x as number[][]).flat()), numbers); // prettier-ignore
    t.deepEqual(parquetMetadata(Uint8Array.from(bytes)).key_value_metadata, [
      { key: 'kernel', value: 'native' },
    ]);
    const all = await readAll(await openParquetBytes(t, bytes), 6);
    t.like(all, { lengths, names: texts, numbers, damages: [] });
  });

  test(`The bytes in ${dtype} do not depend on how calls are cut`, (t) =>
    assertCutsAgree(t, encoderOf, outline));

  test(`An encoder in ${dtype} that goes on gives the rest of the bytes`, (t) =>
    assertGoesOn(t, encoderOf, outline));

  test(`Pooled sequences in ${dtype} are lists of floats`, async (t) => {
    const pooled = { lengths: new Array<number>(12).fill(1), names: [...names, ...names] };
    const bytes = await encode({ ...outline, isPooled: true }, pooled, [2, 7]);
    t.deepEqual((await slurp(bytes)).flatMap(({ x }) => x as number[]), numbers); // prettier-ignore
    const all = await readAll(await openParquetBytes(t, bytes));
    t.like(all, { lengths: pooled.lengths, names: [...texts, ...texts], numbers });
  });

  test(`No sequences at all in ${dtype} are an empty table`, async (t) => {
    const bytes = await encode(outline, { lengths: [] });
    t.deepEqual(await slurp(bytes), []);
    t.deepEqual((await readAll(await openParquetBytes(t, bytes))).lengths, []);
  });
}

test('Sequences that take other bytes than assumed are refused', async (t) => {
  const bytes = concat((await encoderOf(outlineOf())).encode({ lengths, names }, rows)).length;
  const encoder = await encoderOf(outlineOf());
  const what = `6 sequences for \`data\`, got \`${bytes + 1}\``;
  const assume = () => {
    encoder.assume({ lengths, names }, bytes + 1);
    return Promise.resolve();
  };
  await assertRefused(t, async () => assume(), { code: 'INVALID_FILE', path: 'a.parquet: ', what });
});

test('What Parquet can’t hold is refused', async (t) => {
  const bf16 = { code: 'INVALID_OPTION', path: 'a.parquet', what: 'got `bf16`' } as const;
  await assertRefused(t, () => encoderOf(outlineOf({ dtype: 'bf16' })), bf16);
  const encoder = await encoderOf(outlineOf());
  const long = { code: 'INVALID_OPTION', what: '`lengths[1]`, got `16777216`' } as const;
  await assertRefused(t, () => encoder.encode({ lengths: [0, 2 ** 24] }, rows), long);
  const pooled = await encoderOf(outlineOf({ isPooled: true }));
  const what = '1 token in Parquet for `lengths[0]`, got `2`';
  await assertRefused(t, () => pooled.encode({ lengths: [2] }, rows), { code: 'INVALID_OPTION', what });
});
