// Promise 1 at length, for `npm run test:kill`: SIGKILL at random moments and at every call that changes a file, and an
// error of every such call.
import test from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import { createEngine } from '../../src/engine/engine.js';
import { heads, smallWeights } from '../helpers/batch-run.js';
import { allCases, folder, useInputs, type RunCase } from '../helpers/fault-inputs.js';
import { assertSurvivesError, assertSurvivesKillAt, assertSurvivesKills } from '../helpers/fault-checks.js';
import { assertGrows } from '../helpers/growing-folder.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testWithStrace, type FileCall } from '../helpers/strace.js';

useInputs(...allCases);

for (const seed of [1, 2]) {
  test.serial(
    `a folder of 200 files, killed 20 times while it changes (${seed}), ends like runs one by one`,
    async (t) => {
      t.timeout(20 * 60_000);
      const engine = await createEngine({ threads: 1, kernel: 'reference' });
      const layer = await engine.multiHeadAttention({ heads, weights: smallWeights });
      const kept = await assertGrows(t, { engine, layer, files: 200, kills: 20, seed });
      t.log(`${kept} files were kept`);
      t.true(kept > 200);
      layer.dispose();
      await engine.close();
    },
  );
}

const calls: readonly FileCall[] = ['write', 'fsync', 'rename', 'truncate'];
const randomKills = 14;

/** Five chunks or so. */
function cutOf(runCase: RunCase): string[] {
  return ['--batch-tokens', runCase === folder ? '160' : '330'];
}

for (const [n, runCase] of allCases.entries()) {
  test.serial(
    `${runCase.name}: killed at ${randomKills} random moments, some of them while it resumes`,
    async (t) => {
      t.timeout(20 * 60_000);
      const random = createRandom(2300 + n);
      for (let kill = 0; kill < randomKills; kill++) {
        await assertSurvivesKills(t, { where: await makeFolder(t), runCase }, { random, again: 1 / 3 });
      }
    },
  );

  for (const call of calls) {
    testWithStrace(`${runCase.name}: killed at every ${call}`, async (t) => {
      t.timeout(20 * 60_000);
      let nth = 1;
      const more = cutOf(runCase);
      while (await assertSurvivesKillAt(t, { where: await makeFolder(t), runCase, more }, { call, nth }))
        nth++;
      t.log(`${nth - 1} calls`);
      t.true(nth > 1, `there is a ${call}`);
    });

    testWithStrace(`${runCase.name}: an error of every ${call}`, async (t) => {
      t.timeout(20 * 60_000);
      let nth = 1;
      const [more, what] = [cutOf(runCase), 'EIO'] as const;
      while (await assertSurvivesError(t, { where: await makeFolder(t), runCase, more }, { call, nth, what }))
        nth++;
      t.log(`${nth - 1} calls`);
      t.true(nth > 1, `there is a ${call}`);
    });
  }
}
