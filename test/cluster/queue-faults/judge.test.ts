// The judge of a round finds attempts that no fault explains.
import test from 'ava';
import { findProblems } from './judge.js';
import type { Claim, Happened, RoundRecord } from './record.js';

const [one, two, three] = [1, 2, 3].map((pid) => ({ host: 'here', pid })) as [Process, Process, Process];
type Process = NonNullable<Claim['process']>;

const claim = (shard: number, attempt: number, process: Process | undefined, atMs: number): Claim => {
  return { shard, attempt, process, atMs };
};
const killed = (process: Process, atMs: number): Happened => {
  return { fault: 'kill', process, fromMs: atMs, untilMs: atMs };
};
const slept: Happened = { fault: 'sleep', process: two, fromMs: 2000, untilMs: 9000 };
const frozen: Happened = { fault: 'freeze', fromMs: 20_000, untilMs: 25_000 };

const good: RoundRecord = {
  ...{ seed: 1, seconds: 30, complaints: [] },
  happened: [killed(one, 3000), slept, frozen],
  claims: [
    ...[claim(1, 1, one, 1000), claim(1, 2, three, 8000)],
    ...[claim(2, 1, two, 1500), claim(2, 2, three, 8500)],
    ...[claim(3, 1, two, 19_000), claim(3, 2, three, 29_000)],
    // Given before the server stood still, begun after.
    ...[claim(4, 1, three, 26_000), claim(4, 2, two, 30_000)],
    claim(5, 1, three, 40_000),
  ],
};

const judges = test.macro((t, changes: Partial<RoundRecord>, ...problems: readonly string[]) => {
  t.deepEqual(findProblems({ ...good, ...changes }, 4), problems);
});

test('a round whose attempts are all explained has no problems', judges, {});

const another = (shard: number, attempt: number, by: string): string =>
  `Attempt ${attempt} at shard ${shard} by ${by} was followed by another, and no fault explains it`;

test(
  'an attempt that nothing ended is found',
  judges,
  { claims: [...good.claims, claim(5, 2, one, 50_000)] },
  another(5, 1, 'process 3 on here'),
);
test(
  'a fault of another process explains nothing',
  judges,
  { happened: [killed(three, 3000), slept, frozen] },
  another(1, 1, 'process 1 on here'),
);
test(
  'a fault before the attempt or after the next one explains nothing',
  judges,
  { happened: [killed(one, 900), killed(one, 8001), slept, frozen] },
  another(1, 1, 'process 1 on here'),
);
test(
  'a fault explains one attempt of a process',
  judges,
  { claims: [...good.claims, claim(6, 1, one, 2900), claim(6, 2, two, 7000)] },
  another(6, 1, 'process 1 on here'),
);
test(
  'a fault of the server explains one attempt of each process',
  judges,
  { claims: [...good.claims, claim(6, 1, three, 24_000), claim(6, 2, two, 28_000)] },
  another(4, 1, 'process 3 on here'),
);
test('an attempt of somebody unknown is explained by whoever was killed then', judges, {
  happened: [...good.happened, killed(two, 45_000)],
  claims: [...good.claims, claim(6, 1, undefined, 44_999), claim(6, 2, two, 49_000)],
});
test('what went wrong on the way is a problem', judges, { complaints: ['it broke'] }, 'it broke');
