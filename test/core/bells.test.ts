// The bells of workers: rings are never lost, and numbers of kept jobs come in their order.
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import test from 'ava';
import { slotStride } from '../../src/core/protocol/control.js';
import { Bells } from '../../src/core/protocol/bells.js';

test('a worker is called with the numbers of jobs in their order, each once', (t) => {
  const bells = Bells.create(2);
  t.deepEqual(bells.heard(1), []);
  for (const job of [7, 3, 3]) t.true(bells.call(1, job));
  t.deepEqual(bells.heard(0), []);
  t.deepEqual(bells.heard(1), [7, 3, 3]);
  t.deepEqual(bells.heard(1), []);
});

test('a worker that hears nothing is called so often and no more', (t) => {
  const bells = Bells.create(1);
  let calls = 0;
  while (bells.call(0, calls)) calls++;
  t.is(calls, 128);
  t.deepEqual(
    bells.heard(0),
    Array.from({ length: calls }, (_, n) => n),
  );
  t.true(bells.call(0, 500));
  t.deepEqual(bells.heard(0), [500]);
});

test('calls are heard though their count passes the end of an Int32', (t) => {
  const bells = Bells.create(1);
  // The counts of calls written and read, at their slots.
  const counts = new Int32Array(bells.block);
  for (const slot of [2, 3]) counts[slot * slotStride] = 2 ** 31 - 3;
  for (let job = 0; job < 6; job++) t.true(bells.call(0, job));
  t.is(counts[2 * slotStride]!, -(2 ** 31) + 3);
  t.deepEqual(bells.heard(0), [0, 1, 2, 3, 4, 5]);
  t.deepEqual(bells.heard(0), []);
});

test('who takes the seat of another hears none of its calls', (t) => {
  const bells = Bells.create(1);
  bells.call(0, 1);
  bells.reset(0);
  t.deepEqual(bells.heard(0), []);
});

test('no ring is lost between looking and sleeping', async (t) => {
  const bells = Bells.create(1);
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.url).then(({ Bells }) => {
       const bells = new Bells(workerData.block);
       let heard = 0;
       while (!bells.isClosing) {
         const rung = bells.rung(0);
         heard += bells.heard(0).length;
         if (!bells.isClosing) bells.sleep(0, rung);
       }
       parentPort.postMessage(heard + bells.heard(0).length);
     });`,
    {
      eval: true,
      workerData: {
        url: new URL('../../src/core/protocol/bells.js', import.meta.url).href,
        block: bells.block,
      },
    },
  );
  const answer = once(worker, 'message');
  let called = 0;
  for (let n = 0; n < 20_000; n++) {
    if (bells.call(0, n)) called++;
    if (n % 50 === 0) await new Promise(setImmediate);
  }
  bells.close(1);
  t.is(((await answer) as [number])[0], called);
});
