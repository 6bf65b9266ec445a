// Some hundred cases of each target, all inputs that were ever found to break one, and the seeds themselves.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { addonProblem } from '../helpers/engines.js';
import { runChild } from './run-child.js';
import { targets } from './targets.js';

const finds = 'test/fuzz/finds';

/** Cases that take little of a second. */
const many: Readonly<Record<string, number>> = { arrow: 1000, parquet: 500, addon: 1000 };

/** Calls, which have no files to be whole. */
const calls = ['options', 'addon', 'gpu-limits'];

for (const [name, target] of targets) {
  if (name === 'addon' && addonProblem !== undefined) continue;

  if (!calls.includes(name)) {
    test.serial(`${name}: what is whole is taken`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'headpool-fuzz-'));
      try {
        for (const seed of await target.createSeeds()) await t.notThrowsAsync(target.take(seed, folder));
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  test.serial(`${name}: damaged inputs are taken or refused, soon and in little memory`, async (t) => {
    const count = many[name] ?? 300;
    const outcome = await runChild({ target: name, first: 0, count });
    t.deepEqual(outcome.finds, []);
    t.is(outcome.taken + outcome.refused, count);
    t.true(outcome.taken > 0 && outcome.refused > count / 10, JSON.stringify(outcome));
  });

  const kept = join(finds, name);
  if (existsSync(kept)) {
    test.serial(`${name}: what broke it once breaks it no more`, async (t) => {
      const outcome = await runChild({ target: name, first: 0, count: 0, kept });
      t.deepEqual(outcome.finds, []);
      t.true(outcome.taken + outcome.refused > 0);
    });
  }
}
