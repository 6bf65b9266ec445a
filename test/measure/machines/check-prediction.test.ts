// What a prediction is held against: rounds that were measured, each predicted from the others.
import test from 'ava';
import {
  checkPrediction,
  slowdownOf,
  type MeasuredRound,
  type MeasuredShards,
} from '../../../src/measure/machines/check-prediction.js';

/** `count` shards of 110 ms, times `slow`, that took `elapsedMs` together. */
function measured(count: number, slow: number, elapsedMs: number): MeasuredShards {
  const shard = { flop: 100, startMs: 10 * slow, computeMs: 100 * slow };
  return { elapsedMs, shards: Array.from({ length: count }, () => shard) };
}

function round(slow: { readonly alone: number; readonly together: number }, lost = 0): MeasuredRound {
  return {
    alone: measured(2, slow.alone, 2 * 110 * slow.alone + lost),
    together: measured(4, slow.together, 2 * 110 * slow.together + lost),
  };
}

test('rounds that are alike predict one another', (t) => {
  const rounds = [1, 2, 3].map(() => round({ alone: 1, together: 1.5 }));
  t.like(checkPrediction(rounds, 'alone'), {
    processes: 1,
    shards: 6,
    measuredMs: 660,
    predictedMs: 660,
    difference: 0,
  });
  t.like(checkPrediction(rounds, 'together'), {
    processes: 2,
    shards: 12,
    measuredMs: 990,
    predictedMs: 990,
    difference: 0,
  });
  t.is(slowdownOf(rounds), 1.5);
});

test('no round is predicted from itself', (t) => {
  const rounds = [round({ alone: 1, together: 1 }), round({ alone: 3, together: 3 })];
  // 220 and 660 were measured; each was expected to be like the other one.
  const { measuredMs, predictedMs, difference } = checkPrediction(rounds, 'alone');
  t.is(measuredMs, 880);
  t.is(Math.round(predictedMs), 880);
  t.true(Math.abs(difference) < 1e-9);
  const three = [...rounds, round({ alone: 3, together: 3 })];
  // 220 by two rounds of 660; each of 660 by one of 220 and one of 660.
  const { interval, ...check } = checkPrediction(three, 'alone');
  t.is(check.measuredMs, 1540);
  t.true(interval.low < check.predictedMs && check.predictedMs < interval.high);
});

test('time that no shard accounts for is a difference', (t) => {
  const rounds = [1, 2].map(() => round({ alone: 1, together: 1 }, 55));
  t.true(Math.abs(checkPrediction(rounds, 'together').difference - (220 / 275 - 1)) < 1e-9);
});
