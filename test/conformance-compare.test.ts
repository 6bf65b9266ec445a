import test from 'ava';
import { compareTensors } from '../src/conformance/compare.js';
import type { CaseTensor } from '../src/conformance/case.js';
import type { Shape } from '../src/core/tensor/shape.js';

const tolerance = { rtol: 1e-3, atol: 1e-7 };

function floats(shape: Shape, ...data: number[]): CaseTensor & { readonly data: Float32Array } {
  return { shape, dtype: 'F32', data: Float32Array.from(data) };
}

const compares = test.macro((t, actual: number, wanted: number, passes: boolean) => {
  const { problem } = compareTensors(
    'Y',
    { shape: [1], data: Float32Array.of(actual) },
    floats([1], wanted),
    tolerance,
  );
  t.is(problem === undefined, passes, problem);
});

test('A number inside rtol of the expected one passes', compares, 1.0009, 1, true);
test('A number outside rtol fails', compares, 1.0011, 1, false);
test('A number inside atol of zero passes', compares, 0.9e-7, 0, true);
test('A number outside atol of zero fails', compares, 1.1e-7, 0, false);
test('The sign counts', compares, -1, 1, false);
test('Zeros of both signs are equal', compares, -0, 0, true);
test('NaN passes for NaN', compares, NaN, NaN, true);
test('NaN fails for a number', compares, NaN, 1, false);
test('A number fails for NaN', compares, 1, NaN, false);
test('Infinity fails for NaN', compares, Infinity, NaN, false);
test('-Infinity passes for itself', compares, -Infinity, -Infinity, true);
test('-1e38 fails for -Infinity', compares, -1e38, -Infinity, false);
test('-Infinity fails for -1e38', compares, -Infinity, -1e38, false);
test('-Infinity fails for Infinity', compares, -Infinity, Infinity, false);

test('The rule includes its bound', (t) => {
  const compare = (actual: number) =>
    compareTensors('Y', { shape: [1], data: Float32Array.of(actual) }, floats([1], 1), {
      rtol: 0.25,
      atol: 0.25,
    });
  t.is(compare(1.5).differing, 0);
  t.is(compare(1.5 + 2 ** -20).differing, 1);
});

test('With no tolerance only equal numbers pass', (t) => {
  const compare = (actual: number) =>
    compareTensors('Y', { shape: [1], data: Float32Array.of(actual) }, floats([1], 1), { rtol: 0, atol: 0 });
  t.is(compare(1).differing, 0);
  t.is(compare(1 + 2 ** -23).differing, 1);
});

test('A single element off is found and named with its index and both numbers', (t) => {
  const wanted = floats([2, 3, 4], ...Array.from({ length: 24 }, (_, n) => n + 1));
  const data = Float32Array.from(wanted.data);
  data[17] = 18.5;
  const comparison = compareTensors('Y', { shape: [2, 3, 4], data }, wanted, tolerance);
  t.is(comparison.differing, 1);
  t.is(comparison.count, 24);
  t.deepEqual(comparison.worst, { index: [1, 1, 1], actual: 18.5, expected: 18 });
  t.is(comparison.problem, '`Y`: 1 of 24 numbers differ, most at [1, 1, 1]: expected 18, got 18.5');
});

test('The worst element is the one furthest outside its own tolerance', (t) => {
  const wanted = floats([3], 1000, 1, NaN);
  const close = compareTensors('Y', { shape: [3], data: Float32Array.of(1002, 1.5, NaN) }, wanted, tolerance);
  t.deepEqual(close.worst?.index, [1]);
  const broken = compareTensors('Y', { shape: [3], data: Float32Array.of(1002, 1.5, 0) }, wanted, tolerance);
  t.deepEqual(broken.worst?.index, [2]);
  t.is(broken.differing, 3);
});

test('Swapped heads fail', (t) => {
  const wanted = floats([1, 2, 2, 1], 1, 2, 3, 4);
  const swapped = Float32Array.of(3, 4, 1, 2);
  t.is(compareTensors('Y', { shape: [1, 2, 2, 1], data: swapped }, wanted, tolerance).differing, 4);
});

test('The same numbers in another shape fail', (t) => {
  const { problem, worst } = compareTensors(
    'Y',
    { shape: [3, 2], data: new Float32Array(6) },
    floats([2, 3], 0, 0, 0, 0, 0, 0),
    tolerance,
  );
  t.is(problem, '`Y`: expected shape [2, 3], got [3, 2]');
  t.is(worst, undefined);
});

test('Nothing equals nothing', (t) => {
  t.is(
    compareTensors('Y', { shape: [0, 4], data: new Float32Array(0) }, floats([0, 4]), tolerance).problem,
    undefined,
  );
});

test('F16 outputs are rounded to F16 before they are compared', (t) => {
  // Halfway to the next half and a little less: float32 can tell it from 1, F16 can't.
  const actual = { shape: [1], data: Float32Array.of(1 + 2 ** -11 - 2 ** -20) };
  const exact = { rtol: 0, atol: 0 };
  t.is(compareTensors('Y', actual, { ...floats([1], 1), dtype: 'F16' }, exact).differing, 0);
  t.is(compareTensors('Y', actual, floats([1], 1), exact).differing, 1);
  const next = { shape: [1], data: Float32Array.of(1 + 2 ** -10) };
  t.is(compareTensors('Y', next, { ...floats([1], 1), dtype: 'F16' }, exact).differing, 1);
});
