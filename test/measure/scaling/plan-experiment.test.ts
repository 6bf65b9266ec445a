// What an experiment will measure and what it will take: numbers of workers, minutes and memory.
import test from 'ava';
import { HeadpoolError } from '../../../src/core/errors.js';
import { Clock, type MeasureProgress } from '../../../src/measure/progress.js';
import {
  countPoints,
  countWorkers,
  estimateBytes,
  estimateMs,
  refuseOverMemory,
  refuseOverTime,
} from '../../../src/measure/scaling/plan.js';
import { workOf } from '../../../src/measure/scaling/work.js';

test('without a word, all processors are measured and doublings up to 64 are predicted', (t) => {
  t.deepEqual(countWorkers({}, 2), { measured: [1, 2], predicted: [1, 2, 4, 8, 16, 32, 64], beyond: [] });
  t.deepEqual(countWorkers({}, 3), { measured: [1, 2, 3], predicted: [1, 2, 3, 6, 12, 24, 48], beyond: [] });
  t.deepEqual(countWorkers({}, 1).predicted, [1, 2, 4, 8, 16, 32, 64]);
  t.is(countWorkers({}, 96).predicted.length, 96);
});

test('one worker is always measured, and each number once', (t) => {
  t.deepEqual(countWorkers({ workers: [4, 2, 4], predict: [2] }, 8), {
    measured: [1, 2, 4],
    predicted: [1, 2, 4],
    beyond: [],
  });
});

test('more workers than processors are predicted instead of measured', (t) => {
  t.deepEqual(countWorkers({ workers: [2, 3, 100], predict: [] }, 2), {
    measured: [1, 2],
    predicted: [1, 2, 3, 100],
    beyond: [3, 100],
  });
  t.deepEqual(countWorkers({ workers: [5], predict: [] }, 2).measured, [1]);
});

const extent = { kinds: 2, axes: 3, workers: [1, 2, 4], seconds: 60, callMs: 50 };

test('one worker is measured once an axis, others once a kind', (t) => {
  t.is(countPoints(extent), 15);
  t.true(estimateMs(extent) > 15 * 60_000);
  t.true(estimateMs(extent) < 16 * 60_000);
});

test('calls that take longer than the seconds of a point count', (t) => {
  t.true(estimateMs({ ...extent, seconds: 0.1, callMs: 5000 }) > 15 * 5 * 4 * 5000);
});

test('an experiment of too many minutes is refused with an estimate and what to cut', (t) => {
  t.notThrows(() => {
    refuseOverTime(extent, 16);
  });
  const error = t.throws(
    () => {
      refuseOverTime(extent, 10);
    },
    { instanceOf: HeadpoolError },
  );
  t.is(error.code, 'INVALID_OPTION');
  t.regex(
    error.message,
    /at most 10 minutes \(`maxMinutes`\), got one of about 15: 6 curves of 3 points of 60 s; name fewer `workers`/,
  );
});

test('work without room is refused with an estimate and what to cut', (t) => {
  const { all, largestEngine } = estimateBytes(workOf('heads', 100), workOf('heads', 200));
  t.true(largestEngine > 4 * 4 * (6_400 ** 2 + 12_800 ** 2));
  t.true(all > 2 * 4 * 4 * (6_400 ** 2 + 12_800 ** 2));
  t.notThrows(() => {
    refuseOverMemory('weak scaling by heads', all, all);
  });
  const error = t.throws(
    () => {
      refuseOverMemory('weak scaling by heads', all, 2 ** 30);
    },
    {
      instanceOf: HeadpoolError,
    },
  );
  t.is(error.code, 'MEMORY_LIMIT');
  t.regex(
    error.message,
    /^weak scaling by heads would need about \d+\.\d GiB, over the limit of 1\.0 GiB; lower `ms`/,
  );
});

test('progress counts points and has less left after each', (t) => {
  const seen: MeasureProgress[] = [];
  const clock = new Clock((progress) => seen.push(progress));
  clock.plan(15, 1000);
  for (const name of ['a', 'b', 'c']) {
    clock.begin(name);
    const endMs = performance.now() + 5;
    while (performance.now() < endMs);
    clock.finish(1000);
  }
  t.deepEqual(
    seen.map(({ name, done, of }) => [name, done, of]),
    [
      ['a', 0, 15],
      ['b', 1, 15],
      ['c', 2, 15],
    ],
  );
  t.is(seen[0]!.msLeft, undefined);
  t.true(seen[1]!.msLeft! >= 14 * 5);
});
