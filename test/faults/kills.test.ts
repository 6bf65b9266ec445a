// Promise 1 in short: runs killed here and there. `npm run test:kill` kills at every call that matters.
import test from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import {
  allCases,
  fewChunks,
  folder,
  lines,
  packed,
  useInputs,
  type RunCase,
} from '../helpers/fault-inputs.js';
import { assertSurvivesKillAt, assertSurvivesKills } from '../helpers/fault-checks.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testWithStrace, type FileCall } from '../helpers/strace.js';

useInputs(...allCases);

for (const [n, runCase] of allCases.entries()) {
  test.serial(`${runCase.name}: killed at two random moments, it resumes to the same bytes`, async (t) => {
    const random = createRandom(900 + n);
    for (let kill = 0; kill < 2; kill++) {
      await assertSurvivesKills(t, { where: await makeFolder(t), runCase }, { random, again: kill / 3 });
    }
  });
}

const places: readonly (readonly [RunCase, FileCall, number])[] = [
  // The first rows, the second record, the name of the output.
  [packed, 'fsync', 3],
  [packed, 'fsync', 6],
  [packed, 'rename', 2],
  // Some of several outputs have their names.
  [folder, 'rename', 4],
  [lines, 'rename', 2],
];

for (const [runCase, call, nth] of places) {
  testWithStrace(
    `${runCase.name}: killed at ${call} number ${nth}, it resumes to the same bytes`,
    async (t) => {
      const where = await makeFolder(t);
      t.true(await assertSurvivesKillAt(t, { where, runCase, more: fewChunks }, { call, nth }));
    },
  );
}
