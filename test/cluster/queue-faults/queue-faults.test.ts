// A round of faults with each server of queues, one of them on hosts of their own; `npm run test:cluster` plays 20.
import test from 'ava';
import { testSeriallyUnless } from '../../helpers/skips.js';
import { findHostsProblem } from './hosts.js';
import { findProblems } from './judge.js';
import { formatRound } from './report.js';
import { lockSeconds, playRound } from './round.js';
import { findScenes } from './scenes.js';
import { prepareWork, type Work } from './work.js';

const hostsProblem = findHostsProblem();
/** PostgreSQL's workers are on one host only where they can't have their own. */
const played = findScenes().filter(({ backend, hasHosts }) => {
  return backend === 'redis' ? !hasHosts : hasHosts || hostsProblem !== undefined;
});

let work: Work | undefined;

test.before('one plain run computes what all must come to', async (t) => {
  t.timeout(3 * 60_000);
  if (played.some(({ problem }) => problem === undefined)) work = await prepareWork();
  t.pass();
});

test.after.always('removes it', async () => {
  await work?.[Symbol.asyncDispose]();
});

for (const [n, { title, problem, ...scene }] of played.entries()) {
  testSeriallyUnless(problem)(
    `a run through ${title}: killed, asleep or cut off, it comes to the same bytes`,
    async (t) => {
      t.timeout(15 * 60_000);
      const options = { ...scene, seed: n + 1 };
      const record = await playRound(work!, options);
      const problems = findProblems(record, lockSeconds);
      t.log(formatRound(options, record, problems));
      t.deepEqual(problems, []);
    },
  );
}
