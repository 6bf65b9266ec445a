// One row for each sequence, against plain loops in float64.
import test from 'ava';
import { poolRows } from '../../src/runs/pool-rows.js';
import { poolings, type Pooling } from '../../src/runs/request.js';
import { worstError } from '../helpers/layer-oracle.js';
import { makeSequences } from '../helpers/sequence-files.js';

const width = 5;

function poolOracle(rows: Float32Array, lengths: readonly number[], pooling: Pooling): number[] {
  let begin = 0;
  return lengths.flatMap((length) => {
    const tokens = Array.from({ length }, (_, token) =>
      Array.from(rows.subarray((begin + token) * width, (begin + token + 1) * width)),
    );
    begin += length;
    if (length === 0) return new Array<number>(width).fill(0);
    if (pooling !== 'mean') return tokens.at(pooling === 'first' ? 0 : -1)!;
    return tokens[0]!.map((_, dim) => tokens.reduce((sum, token) => sum + token[dim]!, 0) / length);
  });
}

for (const pooling of poolings) {
  test(`${pooling} of sequences of 0, 1 and more tokens`, (t) => {
    const lengths = [0, 1, 2, 0, 7, 33, 0];
    const { rows } = makeSequences(lengths, 1, { width });
    const pooled = poolRows({ rows, lengths, width }, pooling);
    t.deepEqual(pooled, Float32Array.from(poolOracle(rows, lengths, pooling)));
  });

  test(`${pooling} of nothing is nothing`, (t) => {
    t.is(poolRows({ rows: new Float32Array(0), lengths: [], width }, pooling).length, 0);
    t.deepEqual(
      poolRows({ rows: new Float32Array(0), lengths: [0], width }, pooling),
      new Float32Array(width),
    );
  });

  test(`${pooling} leaves the rows as they were and reads those of its own sequence only`, (t) => {
    const rows = Float32Array.from([NaN, NaN, 1, 2, 3, 4, NaN, NaN]);
    const before = rows.slice();
    const lengths = [1, 2, 1];
    const pooled = poolRows({ rows, lengths, width: 2 }, pooling);
    t.deepEqual(rows, before);
    t.true(pooled.subarray(2, 4).every(Number.isFinite));
  });
}

test('a mean of many tokens loses no more than its last rounding', (t) => {
  const length = 100_000;
  const rows = Float32Array.from({ length }, (_, n) => (n % 2 === 0 ? 1e7 : 1));
  const pooled = poolRows({ rows, lengths: [length], width: 1 }, 'mean');
  t.true(worstError(pooled, [Math.fround((1e7 + 1) / 2)]) === 0);
});
