// Memory that nobody refers to is given back at once.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { collectGarbage } from '../../../src/measure/grid/lab.js';

test('shared memory that nobody refers to is freed', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 8; n++) new Float32Array(new SharedArrayBuffer(2 ** 20)).fill(1);
  collectGarbage();
  const kept = (): number => process.memoryUsage().arrayBuffers - before;
  // A thread of V8's gives the pages back, which takes a while where other processes keep the machine busy.
  for (let n = 0; n < 100 && kept() >= 2 ** 20; n++) await sleep(10);
  t.true(kept() < 2 ** 20);
});
