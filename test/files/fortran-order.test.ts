import test from 'ava';
import fc from 'fast-check';
import { fortranStretches, scatterFortran } from '../../src/files/fortran-order.js';

/** Row-major indices of the elements in the order in which Fortran stores them. */
function fortranOrder(shape: readonly number[]): number[] {
  let order = [0];
  let stride = shape.reduce((count, length) => count * length, 1);
  for (const length of shape) {
    stride /= length;
    order = Array.from({ length }, (_, index) => index * stride).flatMap((shift) =>
      order.map((at) => at + shift),
    );
  }
  return order;
}

test('Two axes are transposed', (t) => {
  const target = new Float32Array(6);
  const values = Float32Array.of(1, 4, 2, 5, 3, 6);
  scatterFortran({ shape: [2, 3], values, fileIndex: 0, target, first: 0 });
  t.deepEqual([...target], [1, 2, 3, 4, 5, 6]);
});

test('Of a long first axis only what is wanted is read, of a short one all between', (t) => {
  t.deepEqual(
    [...fortranStretches([1, 1000, 3], 30, 6, 100)],
    [
      { index: 10, count: 2 },
      { index: 1010, count: 2 },
      { index: 2010, count: 2 },
    ],
  );
  t.deepEqual([...fortranStretches([50, 3], 30, 6, 100)], [{ index: 10, count: 102 }]);
  t.deepEqual([...fortranStretches([0, 3], 0, 0, 100)], []);
});

test('Any range of rows comes from any cut of the stretches that hold it', (t) => {
  const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shapes, fc.nat(), fc.nat(), fc.nat(), fc.nat(4), (shape, a, b, cutSeed, mostGap) => {
      const stored = Float64Array.from(fortranOrder(shape));
      const first = Math.min(a % stored.length, b % stored.length);
      const end = Math.max(a % stored.length, b % stored.length) + 1;
      const target = new Float64Array(end - first).fill(-1);
      for (const { index, count } of fortranStretches(shape, first, end - first, mostGap)) {
        const cut = cutSeed % (count + 1);
        for (const [from, to] of [
          [index, index + cut],
          [index + cut, index + count],
        ] as const) {
          scatterFortran({ shape, values: stored.subarray(from, to), fileIndex: from, target, first });
        }
      }
      t.deepEqual(
        [...target],
        Array.from(target, (_, index) => first + index),
      );
    }),
    { seed: 9, numRuns: 300 },
  );
});
