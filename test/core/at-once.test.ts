// Actions that run several at a time.
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { mapAtOnce } from '../../src/core/at-once.js';

test('results come in the order of the list, and so many run at a time', async (t) => {
  let [running, most] = [0, 0];
  const list = Array.from({ length: 20 }, (_, n) => n);
  const results = await mapAtOnce(list, 4, async (entry, index) => {
    most = Math.max(most, ++running);
    await setTimeout((entry * 7) % 5);
    running--;
    return entry + index;
  });
  t.deepEqual(results, list.map((n) => 2 * n)); // prettier-ignore
  t.is(most, 4);
  t.deepEqual(await mapAtOnce([], 4, () => Promise.reject(new Error('called'))), []);
});

test('a failure ends it, once those under way have ended, and the first of the list is told', async (t) => {
  let [begun, ended] = [0, 0];
  const mapping = mapAtOnce([30, 10, 20, 0, 0, 0], 3, async (ms, index) => {
    begun++;
    await setTimeout(ms);
    ended++;
    throw new Error(`entry ${index}`);
  });
  await t.throwsAsync(mapping, { message: 'entry 0' });
  t.deepEqual([begun, ended], [3, 3]);
});
