// Memory that nobody refers to is given back at once.
import test from 'ava';
import { collectGarbage } from '../../../src/measure/grid/garbage.js';

test('shared memory that nobody refers to is freed', (t) => {
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 8; n++) new Float32Array(new SharedArrayBuffer(2 ** 20)).fill(1);
  collectGarbage();
  t.true(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});
