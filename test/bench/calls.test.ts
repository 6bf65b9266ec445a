// The pure parts of the benchmark of calls: who takes turns with whom, what is counted, and what a row says.
import test from 'ava';
import { longestUnitMs } from '../../bench/helpers/calls/longest-unit.js';
import {
  callAfterPauses,
  callByTheClock,
  callInARow,
  keepCalling,
} from '../../bench/helpers/calls/manners.js';
import { barOf, describeRow, joinSummaries, rowTitles, type Row } from '../../bench/helpers/calls/row.js';
import { compareCosts, controlOf, takeTurns } from '../../bench/helpers/calls/turns.js';
import { checkOutputs, drawWork } from '../../bench/helpers/calls/works.js';
import { describeRatios } from '../../src/measure/pairs.js';
import { summarise } from '../../src/measure/statistics.js';
import { createEngine } from '../../src/index.js';
import { openHeadpool } from '../../bench/helpers/calls/open-headpool.js';

test('the sides take turns A B B A, and each of ours has one of theirs beside it', async (t) => {
  const order: string[] = [];
  let count = 0;
  const turn = (side: string) => () => {
    order.push(side);
    return Promise.resolve(count++);
  };
  const turns = await takeTurns(4, { ours: turn('A'), theirs: turn('B') });
  t.is(order.join(''), 'ABBAABBA');
  t.deepEqual(turns, { ours: [0, 3, 4, 7], theirs: [1, 2, 5, 6] });
});

test('costs are compared pair by pair, less what ours differ by from one another', (t) => {
  const still = compareCosts({ ours: [1, 2, 1], theirs: [2, 4, 2] });
  t.is(still.ratio.median, 2);
  // 1/2, then 1/2 the other way round.
  t.is(still.control.median, 0.5);
  t.is(still.safeRatio, 1);
  t.is(compareCosts({ ours: [2, 2], theirs: [1, 1] }).safeRatio, 0.5);
});

test('a machine that gets slower all the time leaves the control near 1', (t) => {
  const control = controlOf([1, 1.1, 1.21, 1.331, 1.4641]);
  t.true(Math.abs(control.median - 1) < 0.01, String(control.median));
});

test('callers take all sequences equally often until they are told to stop', async (t) => {
  const lengths = [1, 2, 3, 4, 5];
  const calls = lengths.map(() => 0);
  let [open, most] = [0, 0];
  const events: string[] = [];
  const msPerToken = await keepCalling({
    ...{ callers: 3, lengths, warmUpSeconds: 0.01, seconds: 0.02 },
    call: async (sequence) => {
      calls[sequence]!++;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
    },
    onStart: () => events.push('start'),
    onEnd: () => events.push('end'),
  });
  t.true(msPerToken > 0 && Number.isFinite(msPerToken), String(msPerToken));
  t.is(most, 3);
  t.is(open, 0);
  t.true(Math.max(...calls) - Math.min(...calls) <= 1, calls.join(' '));
  t.deepEqual(events, ['start', 'end']);
});

test('a call that fails ends the callers with its reason', async (t) => {
  const call = (): Promise<never> => Promise.reject(new RangeError('no such sequence'));
  const callers = { callers: 2, lengths: [1], call, warmUpSeconds: 600, seconds: 600 };
  await t.throwsAsync(keepCalling(callers), { message: 'no such sequence' });
});

test('calls in a row, by the clock and after pauses are each timed', async (t) => {
  let count = 0;
  const call = (): Promise<number> => Promise.resolve(++count);
  for (const callForAWhile of [
    () => callInARow(call, 0.01),
    () => callByTheClock(call, 1, 0.01),
    () => callAfterPauses(call, 1, (calls) => calls === 3),
  ]) {
    count = 0;
    const times = await callForAWhile();
    t.is(times.length, count);
    t.true(times.length > 0 && times.every((ms) => ms >= 0));
  }
  t.is(count, 3);
});

test('the longest unit takes its share of its phase on all workers', (t) => {
  const phases = [
    { name: 'project', flop: 100, unitFlop: [25, 25, 25, 25] },
    { name: 'attend', flop: 100, unitFlop: [10, 60, 30] },
    { name: 'append', flop: 0, unitFlop: [7] },
  ] as const;
  t.is(longestUnitMs(phases, { project: 40, attend: 8, append: 1000 }, 2), 20);
  t.is(longestUnitMs(phases, { project: 1, attend: 10, append: 1000 }, 2), 12);
});

const row: Row = {
  ...{ name: 'layer', what: 'a layer', unit: 'times', found: 1, goal: { bar: 0.75, aim: 1.1 } },
  ...{ spread: describeRatios([0.9, 1, 1.1]), control: describeRatios([1, 1]) },
  ...{ ours: summarise([1, 2, 3]), theirs: null },
  engine: {} as Row['engine'],
};

test('a bar is met from the least that is asked on, and the aim is said beside it', (t) => {
  t.deepEqual(barOf(row), {
    name: 'a layer',
    found: '1.00x, short of the aim',
    wanted: 'at least 0.75x, aim 1.10x',
    isMet: true,
  });
  t.like(barOf({ ...row, found: 0.7499 }), { isMet: false });
  t.like(barOf({ ...row, found: 1.1 }), { isMet: true, found: '1.10x, aim reached' });
  t.like(barOf({ ...row, unit: 'share' }), {
    found: '100 %, short of the aim',
    wanted: 'at least 75 %, aim 110 %',
  });
});

test('of milliseconds, less is better', (t) => {
  const token: Row = { ...row, unit: 'milliseconds', found: 0.07, goal: { bar: 0.07, aim: 0.04 } };
  t.like(barOf(token), {
    isMet: true,
    wanted: 'at most 0.07 ms, aim 0.04 ms',
    found: '0.07 ms, short of the aim',
  });
  t.like(barOf({ ...token, found: 0.071 }), { isMet: false });
  t.like(barOf({ ...token, found: 0.03 }), { isMet: true, found: '0.03 ms, aim reached' });
});

test('a row that is only measured has no bar, and all rows have a cell for each title', (t) => {
  const measured: Row = { ...row, goal: { bar: null, aim: 1.1 } };
  t.is(barOf(measured), undefined);
  t.true(describeRow(measured).includes('measured'));
  for (const each of [row, measured, { ...row, found: 0.5 }])
    t.is(describeRow(each).length, rowTitles.length);
  t.true(describeRow(row).includes('PASS'));
  for (const verdict of [/PASS|MISS/, /aim/])
    t.notRegex(describeRow({ ...row, goal: null }).join(' '), verdict);
  t.is(barOf({ ...row, goal: null }), undefined);
  t.true(describeRow({ ...row, found: 0.5 }).includes('MISS'));
});

test('summaries of processes are joined by medians, their ends by the ends', (t) => {
  const joined = joinSummaries([summarise([1, 2, 3]), summarise([2, 3, 10]), summarise([5, 6, 7])]);
  t.like(joined, { count: 9, min: 1, median: 3, max: 10 });
});

test('a call after cached tokens is held against float64 like any other', async (t) => {
  await using engine = await createEngine({ threads: 1 });
  for (const work of [
    { modelDim: 8, heads: 2, lengths: [3, 1, 5] },
    { modelDim: 8, heads: 2, lengths: [1], cached: 6 },
  ]) {
    await using open = await openHeadpool(engine, work);
    const outputs = await open.call(0);
    await open.call(0);
    const all = new Float32Array(work.lengths.reduce((a, b) => a + b) * work.modelDim);
    let at = 0;
    for (const [n, tokens] of work.lengths.entries()) {
      all.set(await open.call(n), at);
      at += tokens * work.modelDim;
    }
    t.deepEqual(all.slice(0, outputs.length), new Float32Array(outputs));
    t.notThrows(() => {
      checkOutputs(all, work);
    });
    all[0]! += 0.1;
    t.throws(
      () => {
        checkOutputs(all, work);
      },
      { message: /^Sequence 0, row 0, is wrong/ },
    );
    t.is(drawWork(work).sequences.length, work.lengths.length);
  }
});
