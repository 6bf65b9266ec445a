// The planner: every piece of work in exactly one unit, cut by shape alone, longest first.
import test from 'ava';
import fc from 'fast-check';
import { planProducts } from '../../src/engine/plan/plan-layer.js';
import { isDecoding, planAttention, planDecoding } from '../../src/engine/plan/plan-attention.js';
import { planGather, planRotation } from '../../src/engine/plan/plan-heads.js';
import type { PhasePlan } from '../../src/engine/plan/units.js';
import { unitWords } from '../../src/core/protocol/tables.js';
import type { Entry } from '../../src/attention/batch.js';
import { strided } from '../helpers/strided.js';

function unitsOf({ units, unitCount }: PhasePlan): number[][] {
  return Array.from({ length: unitCount }, (_, n) => [...units.subarray(n * unitWords, (n + 1) * unitWords)]);
}

// Of a unit: as kernels of processors want them, and others.
const unitRows = 96;
const anyUnitRows = fc.constantFrom(unitRows, 40, 1000);

type Words = [number, number, number, number, number];

function entriesOf(lengths: readonly (readonly [number, number])[]): Entry[] {
  let [queryRow, keyRow] = [0, 0];
  return lengths.map(([queries, keys]) => {
    const entry = { queryRow, queries, keyRow, keys, newKeys: keys, firstToken: 0 };
    queryRow += queries;
    keyRow += keys;
    return entry;
  });
}

const unbounded = {
  left: Infinity,
  right: Infinity,
  diagonalOf: () => 0,
  extraKeys: 0,
  deadHeads: new Set<number>(),
  areHeadsTogether: false,
};
const lengths = fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { maxLength: 6 });

test('every row meets every segment in exactly one unit', (t) => {
  fc.assert(
    fc.property(
      fc.nat(700),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 900 }),
      anyUnitRows,
      (rows, segments, depth, most) => {
        const seen = new Uint8Array(rows * segments);
        const plan = planProducts([{ rows, segments, depth, columns: segments * 64 }], most);
        for (const [product, firstRow, endRow, first, end] of unitsOf(plan) as Words[]) {
          t.is(product, 0);
          t.true(endRow - firstRow <= most);
          for (let row = firstRow; row < endRow; row++) {
            for (let segment = first; segment < end; segment++) seen[row * segments + segment]!++;
          }
        }
        return seen.every((count) => count === 1);
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});

test('every query of every head is in exactly one unit, unless its entry is decoding', (t) => {
  fc.assert(
    fc.property(
      lengths,
      fc.constantFrom([8, 8], [8, 2], [6, 1], [1, 1]),
      fc.boolean(),
      anyUnitRows,
      (pairs, [heads, kvHeads], together, most) => {
        const entries = entriesOf(pairs);
        const shape = { heads: heads, kvHeads: kvHeads, headDim: 64, valueDim: 64 };
        const plan = planAttention({ ...shape, ...unbounded, entries, areHeadsTogether: together }, most);
        const seen = entries.map(({ queries }) => new Uint8Array(queries * kvHeads));
        for (const [entry, firstHead, endHead, firstQuery, endQuery] of unitsOf(plan) as Words[]) {
          if (together) t.deepEqual([firstHead, endHead], [0, kvHeads]);
          for (let head = firstHead; head < endHead; head++) {
            for (let query = firstQuery; query < endQuery; query++) seen[entry]![query * kvHeads + head]!++;
          }
        }
        return seen.every((counts, entry) => {
          const wanted = isDecoding(entries[entry]!, shape) ? 0 : 1;
          return counts.every((count) => count === wanted);
        });
      },
    ),
    { seed: 2, numRuns: 60 },
  );
});

test('every key of every head of a decoding entry is in exactly one unit, in ranges that the entry alone decides', (t) => {
  const decodingLengths = fc.array(fc.tuple(fc.nat(2), fc.nat(20_000)), { maxLength: 5 });
  fc.assert(
    fc.property(
      decodingLengths,
      fc.constantFrom([8, 8], [8, 2], [6, 1], [1, 1]),
      fc.boolean(),
      (pairs, [heads, kvHeads], mayBeSplit) => {
        const entries = entriesOf(pairs);
        const shape = { heads: heads, kvHeads: kvHeads, headDim: 64, valueDim: 64, ...unbounded };
        const plan = planDecoding({ ...shape, entries }, mayBeSplit);
        const seen = entries.map(({ keys }) => new Uint8Array(keys * kvHeads));
        for (const [entry, firstHead, endHead, first, end] of unitsOf(plan.decode) as Words[]) {
          t.is(first % plan.keysPerRange, 0);
          for (let head = firstHead; head < endHead; head++) {
            for (let key = first; key < end; key++) seen[entry]![key * kvHeads + head]!++;
          }
        }
        entries.forEach((entry, index) => {
          const isHere = isDecoding(entry, shape);
          t.true(seen[index]!.every((count) => count === (isHere ? 1 : 0)));
          const alone = planDecoding({ ...shape, entries: [entry] }, mayBeSplit);
          t.is(alone.ranges[0], plan.ranges[index]);
          if (!mayBeSplit) t.is(plan.ranges[index], 1);
        });
        const merged = unitsOf(plan.merge).map(([entry]) => entry!);
        t.deepEqual(
          merged,
          [...entries.keys()].filter((index) => plan.ranges[index]! > 1),
        );
      },
    ),
    { seed: 4, numRuns: 40 },
  );
});

test('causal units are handed out longest first and count half the work', (t) => {
  const shape = { heads: 1, kvHeads: 1, headDim: 64, valueDim: 64, entries: entriesOf([[960, 960]]) };
  const full = planAttention({ ...shape, ...unbounded }, unitRows);
  const causal = planAttention({ ...shape, ...unbounded, right: 0 }, unitRows);
  t.is(full.flop, 4 * 960 * 960 * 64);
  t.is(causal.flop, 4 * ((960 * 961) / 2) * 64);
  const firstQueries = unitsOf(causal).map((unit) => unit[3]!);
  t.deepEqual(
    firstQueries,
    [...firstQueries].sort((a, b) => b - a),
  );
});

test('one query on many keys is decoding; a sequence attending itself never is', (t) => {
  const heads = { heads: 8, kvHeads: 1, headDim: 4, valueDim: 4 };
  const entry = { queryRow: 0, keyRow: 0, queries: 1, keys: 256, newKeys: 256, firstToken: 0 };
  t.true(isDecoding(entry, heads));
  t.false(isDecoding({ ...entry, queries: 2 }, heads));
  t.false(isDecoding({ ...entry, keys: 1 }, heads));
  t.false(isDecoding(entry, { ...heads, heads: 9 }));
});

test('work too small for several units stays in one', (t) => {
  t.is(planProducts([{ rows: 1, segments: 12, depth: 64, columns: 192 }], unitRows).unitCount, 1);
  const shape = { heads: 4, kvHeads: 4, headDim: 16, valueDim: 16, entries: entriesOf([[1, 1]]) };
  t.is(planAttention({ ...shape, ...unbounded }, unitRows).unitCount, 1);
  const decoding = { ...shape, entries: entriesOf([[1, 300]]) };
  t.is(planDecoding({ ...decoding, ...unbounded }, true).decode.unitCount, 1);
});

test('a long sequence gives enough units for many workers', (t) => {
  t.true(planProducts([{ rows: 2048, segments: 36, depth: 768, columns: 2304 }], unitRows).unitCount >= 44);
  const shape = { heads: 12, kvHeads: 12, headDim: 64, valueDim: 64, entries: entriesOf([[2048, 2048]]) };
  t.true(planAttention({ ...shape, ...unbounded }, unitRows).unitCount >= 64);
});

test('empty batches and empty sequences have no units', (t) => {
  const shape = { heads: 2, kvHeads: 2, headDim: 4, valueDim: 4 };
  t.is(planAttention({ ...shape, ...unbounded, entries: [] }, unitRows).unitCount, 0);
  t.is(planAttention({ ...shape, ...unbounded, entries: entriesOf([[0, 5]]) }, unitRows).unitCount, 0);
  t.is(planProducts([{ rows: 0, segments: 3, depth: 4, columns: 12 }], unitRows).unitCount, 0);
});

test('every head of every operand is gathered once', (t) => {
  const layout = strided({ data: { buffer: null, byteOffset: 0, byteLength: 0 }, offset: 0 });
  const ends = { from: layout, to: layout, dims: 8 };
  const plan = planGather(
    entriesOf([
      [3, 5],
      [2, 7],
    ]),
    [
      { ...ends, operand: 'key', heads: 2 },
      { ...ends, operand: 'query', heads: 4 },
    ],
  );
  const names = unitsOf(plan).map(([entry, first, end, copy]) => `${entry} ${first}-${end} ${copy}`);
  t.is(new Set(names).size, 12);
});

test('every row of queries and keys is turned once', (t) => {
  const plan = planRotation(
    entriesOf([
      [200, 100],
      [2, 7],
    ]),
    { heads: 4, kvHeads: 2, headDim: 8, valueDim: 8 },
    unitRows,
  );
  const rows = unitsOf(plan).flatMap(([entry, which, first, end]) =>
    Array.from({ length: end! - first! }, (_, n) => `${entry} ${which} ${first! + n}`),
  );
  t.is(rows.length, 309);
  t.is(new Set(rows).size, 309);
});
