// Predictions of runs whose ends can be counted by hand.
import test from 'ava';
import { predictRun } from '../../../src/measure/machines/predict-run.js';

const even = { flop: [1e9, 1e9, 1e9, 1e9, 1e9, 1e9], cutMs: 100, mergeMs: 30 };
/** 50 ms to start, 1 ms a MFLOP. */
const sure = [{ flop: 1e9, startMs: 50, computeMs: 1000 }];

test('one machine takes the cut, each shard with its start, and the merge', (t) => {
  const { machines, ms, interval, waitShare } = predictRun(even, sure, 1);
  t.is(machines, 1);
  t.is(Math.round(ms), 100 + 6 * 1050 + 30);
  t.deepEqual(interval, { low: ms, high: ms });
  t.is(waitShare, 0);
});

test('machines share the shards, and wait where these do not divide', (t) => {
  t.is(Math.round(predictRun(even, sure, 3).ms), 100 + 2 * 1050 + 30);
  const four = predictRun(even, sure, 4);
  t.is(Math.round(four.ms), 100 + 2 * 1050 + 30, 'two of them have one shard, two have two');
  t.true(Math.abs(four.waitShare - 1 / 4) < 1e-9);
  t.is(Math.round(predictRun(even, sure, 1000).ms), 100 + 1050 + 30);
});

test('shards are taken in the order of the cut: a large one at the end is waited for', (t) => {
  const run = { cutMs: 0, mergeMs: 0 };
  const free = [{ flop: 1, startMs: 0, computeMs: 1 }];
  t.is(predictRun({ ...run, flop: [4, 1, 1, 1, 1] }, free, 2).ms, 4);
  t.is(predictRun({ ...run, flop: [1, 1, 1, 1, 4] }, free, 2).ms, 6);
});

test('a tiny shard, whose time is no matter of its work, says nothing of large ones', (t) => {
  const [large, tiny] = [sure[0]!, { flop: 10, startMs: 50, computeMs: 20 }];
  const { ms } = predictRun(even, [large, large, large, tiny], 1);
  t.true(Math.abs(ms / predictRun(even, sure, 1).ms - 1) < 0.15, String(ms));
});

test('a shard without work takes its start', (t) => {
  t.is(Math.round(predictRun({ flop: [0, 0], cutMs: 0, mergeMs: 0 }, sure, 1).ms), 100);
});

test('costs that scatter make an interval, and the same one again', (t) => {
  const scattered = [0.8, 0.9, 1, 1, 1.1, 1.2].map((slow) => ({
    flop: 1e9,
    startMs: 50,
    computeMs: slow * 1e3,
  }));
  const run = predictRun(even, scattered, 2);
  t.true(run.interval.low < run.ms && run.ms < run.interval.high);
  t.true(Math.abs(run.ms / predictRun(even, sure, 2).ms - 1) < 0.1);
  t.deepEqual(predictRun(even, scattered, 2), run);
});

test('one slow shard of ten holds up many machines more than it does one', (t) => {
  const stragglers = Array.from({ length: 10 }, (_, n) => ({
    flop: 1,
    startMs: 0,
    computeMs: n === 0 ? 5 : 1,
  }));
  const run = { flop: Array.from({ length: 64 }, () => 1), cutMs: 0, mergeMs: 0 };
  const evenly = predictRun(run, stragglers, 1).ms / 32;
  t.true(predictRun(run, stragglers, 32).ms > 1.5 * evenly);
});

test('a run of very many shards is simulated in seconds', (t) => {
  const run = { flop: Array.from({ length: 100_000 }, () => 1), cutMs: 0, mergeMs: 0 };
  const { ms } = predictRun(run, [{ flop: 1, startMs: 0, computeMs: 1 }], 1000);
  t.is(ms, 100);
});
