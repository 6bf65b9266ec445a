// The judge of a soak finds what it is there to find, and a soak hands it what happened.
import test from 'ava';
import { findProblems } from './judge.js';
import type { SoakRecord, Window } from './record.js';

const bars = { mostGrowth: 0.03, mostHeldGrowth: 0.1 };
const minute = 60;

const windowAt = (n: number, changes: Partial<Window> = {}): Window => ({
  ...{ endSeconds: (n + 1) * minute, calls: 1000, aborted: 10, kills: 6, leastBytes: 200e6 },
  ...{ heldBytes: 30e6, threads: 13, ...changes },
});
const windows = Array.from({ length: 20 }, (_, n) => windowAt(n));

const good: SoakRecord = {
  calls: { made: 20_000, right: 19_790, wrong: 0, aborted: 200, lost: 10, failed: 0 },
  complaints: [],
  windows,
  engine: { completed: 19_790, failed: 10, cancelled: 200, open: 0, leftBytes: 0 },
};

test('a soak in which all is well has no problems', (t) => {
  t.deepEqual(findProblems(good, bars), []);
});

const finds = test.macro((t, changes: Partial<SoakRecord>, ...problems: readonly string[]) => {
  t.deepEqual(findProblems({ ...good, ...changes }, bars), problems);
});

test(
  'a call that never ends is found',
  finds,
  { calls: { ...good.calls, made: 20_001 }, engine: { ...good.engine, open: 1 } },
  '1 of 20001 calls never ended',
  'The engine says that 1 calls are open',
);
test(
  'a wrong answer is found',
  finds,
  { calls: { ...good.calls, right: 19_789, wrong: 1 }, complaints: ['narrow causal 7, call 0: byte 3'] },
  '1 of 20000 calls were answered wrongly',
  'narrow causal 7, call 0: byte 3',
);
test(
  'a call that fails is found',
  finds,
  {
    calls: { ...good.calls, right: 19_789, failed: 1 },
    engine: { ...good.engine, completed: 19_789, failed: 11 },
  },
  '1 of 20000 calls failed',
);
test(
  'a call that the engine counts twice is found',
  finds,
  { engine: { ...good.engine, completed: 19_791 } },
  'The engine counted 19791 calls as completed, their callers 19790',
);
test(
  'memory of the engine that is left in use is found',
  finds,
  { engine: { ...good.engine, leftBytes: 64 } },
  "64 bytes of the engine's memory are left in use",
);
test(
  'a leak of 10 kB a second is found in 20 minutes',
  finds,
  { windows: windows.map((window, n) => ({ ...window, leastBytes: 200e6 + n * minute * 10e3 })) },
  'The least resident memory of a window grew from 202.4 to 211.4 MB: 4.4 %, where 3.0 % may be',
);
test(
  'what is held although callers rest is found',
  finds,
  { windows: windows.map((window, n) => ({ ...window, heldBytes: 30e6 + n * 1e6 })) },
  'What callers at rest left of a window grew from 34.0 to 49.0 MB: 44.1 %, where 10.0 % may be',
);
test('what the first two windows take is no leak', finds, {
  windows: windows.map((window, n) => (n < 2 ? { ...window, leastBytes: 150e6 } : window)),
});
test(
  'a thread that is left behind is found',
  finds,
  { windows: windows.map((window, n) => (n < 10 ? window : { ...window, threads: 14 })) },
  'The number of threads changed: 13, 14',
);
test("where threads can't be counted, none are judged", finds, {
  windows: windows.map((window) => ({ ...window, threads: null })),
});
test('a soak without answers, or too short to judge, is no good one', (t) => {
  const idle = {
    calls: { made: 0, right: 0, wrong: 0, aborted: 0, lost: 0, failed: 0 },
    engine: { completed: 0, failed: 0, cancelled: 0, open: 0, leftBytes: 0 },
  };
  t.deepEqual(findProblems({ ...good, ...idle, windows: windows.slice(0, 5) }, bars), [
    'No call was answered',
    '5 windows are too few to judge the memory by',
  ]);
});
