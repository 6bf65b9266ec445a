// What stands for shared memory before the garbage collector: it counts, and takes nothing.
import test from 'ava';
import { createBallast } from '../../../src/core/tensor/ballast.js';
import { weigh } from '../../../src/core/tensor/shared-memory.js';

const byteLength = 256 * 2 ** 20;

test.serial(
  'a ballast counts an eighth of the bytes that it stands for, and none of them are resident',
  (t) => {
    const before = process.memoryUsage();
    const ballast = createBallast(byteLength)!;
    const after = process.memoryUsage();
    t.is(ballast.byteLength, byteLength / 8);
    t.true(after.external - before.external >= byteLength / 8);
    t.true(after.rss - before.rss < byteLength / 16);
  },
);

test('what is small has none', (t) => {
  t.is(createBallast(2 ** 19 - 1), undefined);
  t.true(createBallast(2 ** 19) !== undefined);
});

test.serial('a buffer is weighed once', (t) => {
  const buffer = weigh(new SharedArrayBuffer(byteLength));
  const before = process.memoryUsage().external;
  t.is(weigh(buffer), buffer);
  t.true(process.memoryUsage().external - before < byteLength / 8);
});
