// What the coordinator sees of a kernel that has several parts of jobs under way.
import test from 'ava';
import { Activity } from '../../src/core/protocol/activity.js';
import { OpenParts } from '../../workers/open-parts.js';
import { sleep } from '../helpers/long-calls.js';

test('a kernel is at work since its first part began, or its last one ended, until it has none', async (t) => {
  const activity = Activity.create(2);
  const parts = new OpenParts(activity, 1);
  t.is(activity.since(1), 0);
  parts.begin();
  const first = activity.since(1);
  t.true(first > 0);
  await sleep(5);
  parts.begin();
  t.is(activity.since(1), first, 'a further part changes nothing');
  parts.end();
  const second = activity.since(1);
  t.true(second >= first + 4, 'what is left counts from the end of another');
  await sleep(5);
  parts.end();
  t.is(activity.since(1), 0);
  t.true(activity.busyMs(1) >= 9);
  t.deepEqual([activity.since(0), activity.busyMs(0)], [0, 0]);
});
