import { parquetReadObjects, parquetMetadata } from 'hyparquet';
import test from 'ava';
import { bytesOf } from '../../../../src/files/positional-io.js';
import { parquetFormat } from '../../../../src/files/sequences/parquet-format.js';
import type { OutputOutline, SequenceName, Sequences } from '../../../../src/files/sequences/sequences.js';
import { decodeF16, encodeF16 } from '../../../../src/core/tensor/dtype.js';
import { createRandom } from '../../../../src/core/tensor/random.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { readAll, width } from '../../../helpers/arrow-tables.js';
import { openParquetBytes, outlineOf } from '../../../helpers/parquet-files.js';

const encoderOf = (outline: OutputOutline) => parquetFormat.createEncoder!(outline);
const lengths = [3, 0, 1, 2, 5, 1];
const names: SequenceName[] = ['a', null, 17, '', 'ünï', 'a name of more than eight bytes'];
const texts = names.map((name) => (name === null ? null : String(name)));
const random = createRandom(5);
const rows = Float32Array.from({ length: 12 * width }, () => random.normal());
const halved = [...rows].map((number) => decodeF16(encodeF16(number)));

function slice(sequences: Sequences, first: number, end: number): [Sequences, Float32Array] {
  const count = (until: number): number =>
    sequences.lengths.slice(0, until).reduce((a, b) => a + b, 0) * width;
  const part = { lengths: sequences.lengths.slice(first, end), names: sequences.names?.slice(first, end) };
  return [part, rows.subarray(count(first), count(end))];
}

const concat = (pieces: readonly ArrayBufferView[]): Buffer => Buffer.concat(pieces.map(bytesOf));

async function encode(
  outline: OutputOutline,
  sequences: Sequences,
  cuts: readonly number[] = [],
): Promise<Buffer> {
  const encoder = await encoderOf(outline);
  const pieces: ArrayBufferView[] = [encoder.prologue];
  let first = 0;
  for (const end of [...cuts, sequences.lengths.length]) {
    pieces.push(...encoder.encode(...slice(sequences, first, end)));
    first = end;
  }
  return concat([...pieces, encoder.finish().epilogue]);
}

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

  test(`The bytes in ${dtype} do not depend on how calls are cut`, async (t) => {
    const whole = await encode(outline, { lengths, names });
    for (const cuts of [[0, 6], [3], [1, 1, 2, 5], [1, 2, 3, 4, 5]]) {
      t.deepEqual(await encode(outline, { lengths, names }, cuts), whole);
    }
  });

  test(`An encoder in ${dtype} that goes on gives the rest of the bytes`, async (t) => {
    for (const sequences of [{ lengths, names }, { lengths }]) {
      const whole = await encode(outline, sequences);
      for (let done = 0; done <= lengths.length; done++) {
        const before = await encoderOf(outline);
        const written = concat(before.encode(...slice(sequences, 0, done))).length;
        const after = await encoderOf(outline);
        after.assume(slice(sequences, 0, done)[0], written);
        const rest = after.encode(...slice(sequences, done, lengths.length));
        const tail = concat([...rest, after.finish().epilogue]);
        t.deepEqual(tail, whole.subarray(after.prologue.length + written));
      }
    }
  });

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
