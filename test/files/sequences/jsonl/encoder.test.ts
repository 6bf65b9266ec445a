import test from 'ava';
import { jsonlFormat } from '../../../../src/files/sequences/jsonl-format.js';
import type { OutputOutline, Sequences } from '../../../../src/files/sequences/sequences.js';
import { shortestDecimal } from '../../../../src/files/sequences/jsonl/shortest-decimal.js';
import { createRandom } from '../../../../src/core/tensor/random.js';
import { assertRefused } from '../../../helpers/assertions.js';

const outline: OutputOutline = {
  path: 'a.jsonl',
  form: 'packed',
  modelDim: 2,
  dtype: 'f32',
  isPooled: false,
  metadata: new Map([['kernel', 'reference']]),
};

const open = (changes: Partial<OutputOutline> = {}) => jsonlFormat.createEncoder!({ ...outline, ...changes });
const textOf = (pieces: readonly ArrayBufferView[]) => Buffer.concat(pieces as Uint8Array[]).toString();

async function encode(
  sequences: Sequences,
  numbers: readonly number[],
  changes: Partial<OutputOutline> = {},
) {
  const encoder = await open(changes);
  return textOf(encoder.encode(sequences, Float32Array.from(numbers)));
}

test('A sequence is a line, with its id if it has a name', async (t) => {
  const names = ['a"\u00e9\n', -7, null];
  const text = await encode({ lengths: [2, 1, 0], names }, [1, 2, 0.1, -0, 1e-10, 1e30]);
  t.is(text, '{"id":"a\\"\u00e9\\n","x":[[1,2],[0.1,-0]]}\n{"id":-7,"x":[[1e-10,1e+30]]}\n{"x":[]}\n');
  t.is(await encode({ lengths: [1] }, [1, 2]), '{"x":[[1,2]]}\n');
});

test('A pooled sequence is one flat row', async (t) => {
  const text = await encode({ lengths: [1, 1], names: ['a', null] }, [1, 2, 3, 4], { isPooled: true });
  t.is(text, '{"id":"a","x":[1,2]}\n{"x":[3,4]}\n');
});

test('Pooled sequences are of one row', async (t) => {
  await assertRefused(t, () => encode({ lengths: [1, 2] }, [1, 2, 3, 4, 5, 6], { isPooled: true }), {
    code: 'INVALID_OPTION',
    what: '`lengths[1]`, got `2`',
  });
});

test('Nothing comes before or after the lines', async (t) => {
  const encoder = await open();
  t.is(encoder.prologue.length, 0);
  t.deepEqual(encoder.finish(), { epilogue: new Uint8Array(0) });
  t.deepEqual(encoder.encode({ lengths: [] }, new Float32Array(0)), []);
});

test('Many numbers come in pieces of a few MiB', async (t) => {
  const encoder = await open({ modelDim: 64 });
  const length = 6000;
  const rows = Float32Array.from({ length: length * 64 }, (_, index) => 1 / (index + 1));
  const pieces = encoder.encode({ lengths: [length] }, rows);
  t.true(pieces.length > 1);
  for (const piece of pieces) t.true(piece.byteLength < 4 * 2 ** 20);
  const { x } = JSON.parse(textOf(pieces)) as { x: number[][] };
  t.deepEqual(Float32Array.from(x.flat()), rows);
});

test('NaN and infinities are written as the words that Python has for them', async (t) => {
  const encoder = await open();
  const [line] = encoder.encode({ lengths: [2] }, Float32Array.of(NaN, 1, Infinity, -Infinity));
  t.is(Buffer.from(line as Uint8Array).toString(), '{"x":[[NaN,1],[Infinity,-Infinity]]}\n');
});

test('Fields that are kept follow the rows as they stood', async (t) => {
  const encoder = await open();
  const sequences = { lengths: [1, 0], names: ['a', null], fields: ['"b": {"c":[1e3]},"d":null', ''] };
  const [lines] = encoder.encode(sequences, Float32Array.of(1, 2));
  t.is(
    Buffer.from(lines as Uint8Array).toString(),
    '{"id":"a","x":[[1,2]],"b": {"c":[1e3]},"d":null}\n{"x":[]}\n',
  );
});

for (const dtype of ['f16', 'bf16'] as const) {
  test(`${dtype} is refused before the first sequence`, async (t) => {
    const what = `'f32' in .jsonl for \`dtype\`, got \`"${dtype}"\``;
    await assertRefused(t, () => open({ dtype }), { code: 'INVALID_OPTION', what });
  });
}

/** The significant digits that JavaScript writes for a number. */
const digitsOf = (value: number) => value.toExponential().replace(/e.*|[-.]/g, '').length;

/** The fewest digits that round to `value`, by trying three decimals of each length. */
function fewestDigits(value: number): number {
  for (let digits = 1; ; digits++) {
    const [mantissa, exponent] = value
      .toExponential(digits - 1)
      .replace('.', '')
      .split('e');
    for (const step of [-1, 0, 1]) {
      const text = `${Number(mantissa) + step}e${Number(exponent) - digits + 1}`;
      if (Math.fround(Number(text)) === value) return digits;
    }
  }
}

function* bitPatterns(): Generator<number> {
  for (let exponent = 0; exponent < 255; exponent++) {
    const base = exponent << 23;
    yield* [base, base + 1, base + 0x7fffff, base + 0x400000];
  }
  for (let bits = 0; bits < 300; bits++) yield bits;
  const random = createRandom(5);
  for (let draw = 0; draw < 20_000; draw++) yield Math.floor(random.uniform() * 0x7f800000);
}

test('Numbers are written with the fewest digits that give back their bits', (t) => {
  for (const bits of bitPatterns()) {
    const value = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
    const decimal = shortestDecimal(value);
    if (Math.fround(Number(JSON.stringify(decimal))) !== value) t.fail(`${value} became ${decimal}`);
    if (!Object.is(shortestDecimal(-value), -decimal)) t.fail(`-${value}`);
    if (value !== 0 && digitsOf(decimal) !== fewestDigits(value)) t.fail(`${value} became ${decimal}`);
  }
  t.pass();
});

test('Decimals of up to six digits stay as they are', (t) => {
  const random = createRandom(6);
  for (let draw = 0; draw < 20_000; draw++) {
    const digits = 1 + Math.floor(random.uniform() * 999_999);
    const decimal = Number(`${digits}e${Math.floor(random.uniform() * 60) - 36}`);
    if (shortestDecimal(Math.fround(decimal)) !== decimal) t.fail(`${decimal}`);
  }
  t.pass();
});

test('What is no number is left alone', (t) => {
  for (const value of [NaN, Infinity, -Infinity, 0, -0]) t.is(shortestDecimal(value), value);
});
