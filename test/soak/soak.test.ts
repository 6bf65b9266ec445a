// A minute of `npm run test:soak`; and a soak with faults, which it must find.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createTensor } from '../../src/core/tensor/tensor.js';
import type { AttentionResult } from '../../src/index.js';
import { formOf } from './form.js';
import { findProblems } from './judge.js';
import { runSoak } from './run-soak.js';
import type { Scenario } from './scenarios.js';

const script = fileURLToPath(new URL('soak.js', import.meta.url));

test.serial('an engine under full load for a minute answers rightly and keeps nothing', async (t) => {
  t.timeout(5 * 60_000);
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, [script, '--minutes', '1'], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
  t.is(code, 0, output);
  t.log(output);
});

test.serial('a soak finds a wrong answer, a call that never ends, and a leak', async (t) => {
  t.timeout(5 * 60_000);
  const answer = (value: number): AttentionResult => ({ output: createTensor([1], [value]) });
  let [wrong, endless] = [0, 0];
  const kept: Uint8Array[] = [];
  const faults: Scenario[] = [
    {
      ...{ name: 'wrong from the second time on', mayBeLost: false },
      play: (ask) => ask(() => Promise.resolve(answer(wrong++))),
    },
    {
      ...{ name: 'without end the second time', mayBeLost: false },
      play: (ask) => ask(() => (endless++ === 1 ? new Promise(() => undefined) : Promise.resolve(answer(0)))),
    },
    {
      ...{ name: 'leaking', mayBeLost: false },
      play: (ask) => {
        kept.push(new Uint8Array(4e6).fill(1));
        return ask(() => Promise.resolve(answer(0)));
      },
    },
  ];
  const form = {
    ...formOf(1),
    seconds: 10,
    windowSeconds: 1,
    killSeconds: 3,
    patienceSeconds: 0.5,
    more: faults,
  };
  const problems = findProblems(await runSoak(form), form);
  for (const problem of [
    /^1 of \d+ calls never ended$/,
    /^\d+ of \d+ calls were answered wrongly$/,
    /^wrong from the second time on, call 0: byte \d of 4 is not as it was$/,
    /^What callers at rest left of a window grew from/,
  ])
    t.true(
      problems.some((line) => problem.test(line)),
      `${String(problem)} in:\n${problems.join('\n')}`,
    );
  t.true(kept.length > 3);
});
