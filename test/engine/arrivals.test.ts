// When a worker expects its next job.
import test from 'ava';
import { Arrivals } from '../../workers/arrivals.js';

/** Notes jobs after these intervals; the time of the last one. */
function noteAll(arrivals: Arrivals, intervals: readonly number[], startMs = 1000): number {
  let now = startMs;
  arrivals.note(now);
  for (const interval of intervals) arrivals.note((now += interval));
  return now;
}

test('regular jobs are expected a little before they come', (t) => {
  const arrivals = new Arrivals();
  const last = noteAll(arrivals, new Array<number>(60).fill(6));
  const { sleepMs, lookMs } = arrivals.expect(last + 1)!;
  t.true(sleepMs > 3 && sleepMs < 5, `${sleepMs}`);
  t.true(sleepMs + lookMs > 5, 'awake when the job comes');
  t.true(lookMs <= 1, 'and not for long');
});

test('one that is late changes little', (t) => {
  const arrivals = new Arrivals();
  const last = noteAll(arrivals, [...new Array<number>(60).fill(6), 14, 6, 6]);
  t.truthy(arrivals.expect(last + 1));
});

test('irregular, rare and overdue jobs are not expected', (t) => {
  const irregular = new Arrivals();
  const last = noteAll(
    irregular,
    Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? 3 : 9)),
  );
  t.is(irregular.expect(last + 1), undefined);
  const rare = new Arrivals();
  t.is(rare.expect(noteAll(rare, new Array<number>(60).fill(200)) + 1), undefined);
  const regular = new Arrivals();
  t.is(regular.expect(noteAll(regular, new Array<number>(60).fill(6)) + 30), undefined);
});

test('a pause is no interval', (t) => {
  const arrivals = new Arrivals();
  const pause = 60_000;
  const last = noteAll(arrivals, [...new Array<number>(60).fill(6), pause, ...new Array<number>(60).fill(6)]);
  t.truthy(arrivals.expect(last + 1));
});

test('jobs in a row need no early waking', (t) => {
  const arrivals = new Arrivals();
  t.is(arrivals.expect(noteAll(arrivals, new Array<number>(60).fill(0.2))), undefined);
});
