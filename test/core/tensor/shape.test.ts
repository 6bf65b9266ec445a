import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  broadcastStrides,
  elementCount,
  formatShape,
  isSameShape,
  isShape,
  unexpectedShape,
  type Shape,
} from '../../../src/core/tensor/shape.js';

test('Elements are the product of the lengths, one for a scalar', (t) => {
  t.is(elementCount([]), 1);
  t.is(elementCount([2, 3, 64]), 384);
  t.is(elementCount([0, 64]), 0);
});

test('Shapes are written with brackets', (t) => {
  t.is(formatShape([2, 3, 64]), '[2, 3, 64]');
  t.is(formatShape([]), '[]');
});

test('Shapes are the same if all lengths are', (t) => {
  t.true(isSameShape([2, 3], [2, 3]));
  t.true(isSameShape([], []));
  t.false(isSameShape([2, 3], [3, 2]));
  t.false(isSameShape([2, 3], [2, 3, 1]));
  t.false(isSameShape([2, 3, 1], [2, 3]));
});

const judges = test.macro((t: ExecutionContext, value: unknown, wanted: boolean) => {
  t.is(isShape(value), wanted);
});

test('A list of lengths is a shape', judges, [2, 0, 3], true);
test('The empty list is the shape of a scalar', judges, [], true);
test('A negative length makes no shape', judges, [2, -1], false);
test('A fraction makes no shape', judges, [1.5], false);
test('NaN makes no shape', judges, [NaN], false);
test('A string of digits makes no shape', judges, ['2'], false);
test('A product from 2^53 on makes no shape', judges, [2 ** 27, 2 ** 26], false);
test('A product below 2^53 makes a shape', judges, [2 ** 27, 2 ** 25], true);
test('A number is no shape', judges, 3, false);
test('A typed array is no shape', judges, Uint8Array.of(2, 3), false);
test('An array with a hole is no shape', judges, Array(2), false);

const broadcasts = test.macro((t: ExecutionContext, shape: Shape, target: Shape, wanted?: number[]) => {
  t.deepEqual(broadcastStrides(shape, target), wanted);
});

test('The same shape broadcasts with its own strides', broadcasts, [2, 3, 4], [2, 3, 4], [12, 4, 1]);
test('Missing axes repeat', broadcasts, [3, 4], [2, 5, 3, 4], [0, 0, 4, 1]);
test('Axes of length 1 repeat', broadcasts, [2, 1, 4], [2, 3, 4], [4, 0, 1]);
test('A scalar repeats everywhere', broadcasts, [], [2, 3], [0, 0]);
test('Length 1 against length 1 has stride 0', broadcasts, [1], [1], [0]);
test('Other lengths do not broadcast', broadcasts, [2], [3], undefined);
test('A target with fewer axes does not take a shape', broadcasts, [1, 3], [3], undefined);
test('A longer axis does not shrink to 1', broadcasts, [3], [1], undefined);

test('Strides address the element whose indices agree, or are 0 where it repeats', (t) => {
  const axis = fc.record({ length: fc.integer({ min: 1, max: 4 }), isRepeated: fc.boolean() });
  fc.assert(
    fc.property(fc.array(axis, { maxLength: 4 }), fc.nat(4), (axes, missing) => {
      const target = axes.map(({ length }) => length);
      const shape = axes.map(({ length, isRepeated }) => (isRepeated ? 1 : length)).slice(missing);
      const strides = broadcastStrides(shape, target)!;
      const farthest = target.reduce((sum, length, i) => sum + (length - 1) * strides[i]!, 0);
      t.is(farthest, elementCount(shape) - 1);
    }),
    { seed: 8, numRuns: 300 },
  );
});

test('a wrong shape is told as one', (t) => {
  const { code, message } = unexpectedShape('INVALID_WEIGHTS', 'shape [out, in]', 'query.weight', [1, 64, 2]);
  t.is(code, 'INVALID_WEIGHTS');
  t.is(message, 'Expected shape [out, in] for `query.weight`, got shape [1, 64, 2]');
});
