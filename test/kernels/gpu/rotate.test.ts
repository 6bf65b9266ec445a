// Heads normalised and turned on the software device, against the phase that does it in float64.
import test, { type ExecutionContext } from 'ava';
import { RegionViews } from '../../../src/core/tensor/region.js';
import {
  rotateForm,
  rotateGroups,
  rotateShader,
  rotateUniform,
} from '../../../workers/kernels/gpu/rotate.js';
import { noTurn, rotatedRows } from '../../../workers/kernels/gpu/turn-table.js';
import { assertSameBytes } from '../../helpers/assertions.js';
import { normalTensor, uniformTensor } from '../../helpers/random.js';
import { fewTokens, prepareRotation, rotate, type RotateCase, type Side } from '../../helpers/rotate-case.js';
import { runShader } from '../../helpers/shader-bench.js';
import { gpuTest } from '../../helpers/software-gpu.js';

/** Both sides of a case on the device. */
async function rotateOnDevice(options: RotateCase): Promise<Record<'query' | 'key', Float32Array>> {
  const prepared = prepareRotation(options);
  const { work, entries } = prepared;
  const units = Int32Array.from(prepared.units.flatMap((unit) => [...unit]));
  const views = new RegionViews(undefined);
  const run = async (which: 'query' | 'key'): Promise<Float32Array> => {
    const { layout, norm, positions } = work[which];
    const table = rotatedRows(
      { which, layout, positions: positions && views.doubles(positions), rotary: work.rotary },
      units,
      entries,
    );
    const form = rotateForm(work, which);
    const operands = [
      table.rows,
      ...(norm === null ? [] : [views.floats(norm)]),
      ...(work.rotary === null ? [] : [table.angles]),
      prepared[which].data,
    ];
    const after = await runShader(
      rotateShader(form),
      rotateUniform(work, which, table),
      operands,
      rotateGroups(work, which, table),
    );
    return after.at(-1) as Float32Array;
  };
  return { query: await run('query'), key: await run('key') };
}

// Of the largest number of a head: its square's sum, root and division, its weight, and the turn round once each.
const mostError = 4 * 2 ** -24;

function checkSide(
  t: ExecutionContext,
  name: string,
  actual: Float32Array,
  side: Side,
  headDim: number,
): void {
  for (let head = 0; head < side.heads; head++) {
    for (let row = 0; row < side.rows; row++) {
      const at = Array.from({ length: headDim }, (_, d) => side.elementOf(head, row, d));
      const largest = Math.max(...at.map((n) => Math.abs(side.data[n]!)));
      for (const n of at) {
        const error = Math.abs(actual[n]! - side.data[n]!);
        if (!(error <= mostError * largest)) {
          t.fail(`${name} [${head}, ${row}], element ${n}: ${actual[n]!} instead of ${side.data[n]!}`);
        }
      }
    }
  }
}

function matches(title: string, options: RotateCase): void {
  gpuTest(title, async (t) => {
    const { query, key } = rotate(options);
    const actual = await rotateOnDevice(options);
    checkSide(t, 'query', actual.query, query, options.headDim ?? 8);
    checkSide(t, 'key', actual.key, key, options.headDim ?? 8);
    t.notDeepEqual(actual.query, query.before);
  });
}

const normOf = (headDim: number, epsilon = 1e-6) => ({
  q: uniformTensor([headDim], 11, 0.5, 2).data,
  k: uniformTensor([headDim], 12, -2, 2).data,
  epsilon,
});
const rotary = { base: 10_000, dims: 8, interleaved: false };
const norm = normOf(8);
const ragged = [
  { queries: 3, keys: 3, diagonal: 0 },
  { queries: 0, keys: 4, diagonal: 4 },
  { queries: 7, keys: 9, diagonal: 2 },
  { queries: 4, keys: 2, diagonal: -2 },
];

matches('heads are normalised', { norm });
matches('heads of any width are normalised', { norm: normOf(41), headDim: 41, heads: 3 });
matches('heads of one number are normalised', { norm: normOf(1), headDim: 1 });
matches('a large epsilon counts', { norm: normOf(8, 3) });
matches('heads are turned', { rotary });
matches('heads are normalised, then turned', { norm, rotary });
matches('only the first dims turn', { norm: normOf(45), headDim: 45, rotary: { ...rotary, dims: 38 } });
matches('pairs lie side by side', { rotary: { ...rotary, interleaved: true } });
matches('pairs lie side by side in the first dims', {
  headDim: 11,
  norm: normOf(11),
  rotary: { base: 500, dims: 6, interleaved: true },
});
matches('fewer key heads than query heads turn', { heads: 6, kvHeads: 2, norm, rotary });
matches('ragged sequences start over where heads lie side by side', {
  sequences: ragged,
  heads: 3,
  kvHeads: 1,
  norm,
  rotary,
  arrangement: 'token-major',
});
matches('positions far away are exact', {
  sequences: [{ queries: 5, keys: 5, diagonal: 1_000_000, keyPosition: 999_998 }],
  rotary,
});
matches('positions are as given', {
  sequences: ragged,
  norm,
  rotary,
  positions: {
    q: Array.from({ length: 14 }, (_, row) => 3 * row + 1),
    k: Array.from({ length: 18 }, (_, row) => 1e6 - row),
  },
});
for (const spread of [1e-30, 1e-12, 1e15, 1e30]) {
  matches(`numbers of the size of ${spread} are normalised`, {
    norm: normOf(8, spread < 1 ? 0 : 1e-6),
    queries: normalTensor([2 * fewTokens.queries * 8], 3, spread).data,
  });
}
matches('an epsilon much larger than the squares counts', {
  norm,
  queries: normalTensor([2 * fewTokens.queries * 8], 3, 1e-18).data,
});

gpuTest('position 0 leaves every number as it is, infinities and negative zeros included', async (t) => {
  const queries = [-0, 0, Infinity, -Infinity, 1e-45, -3.4e38, 1, -0];
  const sequences = [{ queries: 1, keys: 1, diagonal: 0 }];
  for (const interleaved of [false, true]) {
    const turned = await rotateOnDevice({ heads: 1, sequences, queries, rotary: { ...rotary, interleaved } });
    assertSameBytes(t, turned.query, Float32Array.from(queries));
  }
});

gpuTest('NaN and infinities touch their head of their row alone', async (t) => {
  for (const value of [NaN, Infinity]) {
    const clean = await rotateOnDevice({ norm, rotary });
    const { query } = prepareRotation({ norm, rotary });
    const [start, end] = [query.elementOf(1, 3, 0), query.elementOf(1, 4, 0)];
    const queries = query.before.slice();
    queries[start + 1] = value;
    const poisoned = await rotateOnDevice({ norm, rotary, queries });
    assertSameBytes(t, poisoned.query, clean.query.slice().fill(NaN, start, end));
  }
});

gpuTest('a row of zeros stays zero where epsilon is positive, and has no norm where it is 0', async (t) => {
  const queries = new Float32Array(2 * fewTokens.queries * 8);
  const zeros = await rotateOnDevice({ norm, rotary, queries });
  t.true(zeros.query.every((value) => value === 0));
  const broken = await rotateOnDevice({ norm: normOf(8, 0), rotary, queries });
  t.true(broken.query.every(Number.isNaN));
});

test('positions that occur more than once share their angles', (t) => {
  const { work, units, entries } = prepareRotation({
    rotary,
    sequences: [
      { queries: 3, keys: 3, diagonal: 0 },
      { queries: 3, keys: 3, diagonal: 1 },
    ],
  });
  const { rows, angles } = rotatedRows(
    { which: 'query', layout: work.query.layout, positions: null, rotary },
    Int32Array.from(units.flatMap((unit) => [...unit])),
    entries,
  );
  t.is(angles.length, 3 * rotary.dims);
  t.deepEqual([...rows].filter((_, n) => n % 2 === 1).sort(), [0, 1, 2, 0, 1, noTurn].sort());
});

test('where nothing turns there are angles to bind all the same', (t) => {
  const { work, units, entries } = prepareRotation({
    rotary,
    sequences: [{ queries: 1, keys: 1, diagonal: 0 }],
  });
  const { rows, angles } = rotatedRows(
    { which: 'query', layout: work.query.layout, positions: null, rotary },
    Int32Array.from(units.flatMap((unit) => [...unit])),
    entries,
  );
  t.deepEqual([...rows], [0, noTurn]);
  t.is(angles.length, rotary.dims);
});
