// Calls that a run makes of the file system fail once: the run says which, and a later one completes its work. Here a
// few of each kind; `npm run test:kill` takes them all.
import type { ExecutionContext } from 'ava';
import { argsOf, fewChunks, packed, useInputs } from '../helpers/fault-inputs.js';
import { run } from '../helpers/command.js';
import { assertComplete, assertFailed, filesIn } from '../helpers/fault-run.js';
import { assertSurvivesError } from '../helpers/fault-checks.js';
import { makeFolder } from '../helpers/make-folder.js';
import { runWithFault, testWithStrace, type Fault } from '../helpers/strace.js';

useInputs(packed);

const faults: readonly (readonly [string, Fault])[] = [
  ['syncing the folder of the manifest', { call: 'fsync', nth: 2, what: 'EIO' }],
  ['creating the partial file', { call: 'open', nth: 1, what: 'EIO', path: 'y.safetensors.partial' }],
  ['writing the first rows', { call: 'write', nth: 3, what: 'ENOSPC' }],
  ['syncing the first rows', { call: 'fsync', nth: 3, what: 'EIO' }],
  ['writing the first record', { call: 'write', nth: 4, what: 'ENOSPC' }],
  ['syncing the first record', { call: 'fsync', nth: 4, what: 'EIO' }],
  ['writing over the header', { call: 'write', nth: 7, what: 'EIO' }],
  ['syncing a later record', { call: 'fsync', nth: 6, what: 'EIO' }],
  ['renaming the output', { call: 'rename', nth: 2, what: 'EIO' }],
  ['syncing the folder of the output', { call: 'fsync', nth: 8, what: 'EIO' }],
  ['syncing the last record', { call: 'fsync', nth: 9, what: 'EIO' }],
];

for (const [step, fault] of faults) {
  testWithStrace(`${step} fails: the error says so, and a later run writes the same bytes`, async (t) => {
    t.true(
      await assertSurvivesError(t, { where: await makeFolder(t), runCase: packed, more: fewChunks }, fault),
    );
  });
}

testWithStrace('a file system without hard links has locks all the same', async (t) => {
  const where = await makeFolder(t);
  const ended = await runWithFault(
    t,
    { where, runCase: packed, more: [] },
    { call: 'link', nth: 1, what: 'EIO' },
  );
  t.true(ended.isHit);
  t.is(ended.code, 0, ended.stderr);
  await assertComplete(t, where, packed);
});

for (const [what, fault] of [
  ['a partial file whose header could not be written', { call: 'write', nth: 2, what: 'ENOSPC' }],
  ['a manifest whose folder could not be synced', { call: 'fsync', nth: 2, what: 'EIO' }],
] as const satisfies readonly (readonly [string, Fault])[]) {
  testWithStrace(`${what} is removed`, async (t) => {
    const where = await makeFolder(t);
    const { code } = await runWithFault(t, { where, runCase: packed, more: [] }, fault);
    t.is(code, 1);
    t.deepEqual(await filesIn(where), []);
  });
}

testWithStrace('removing what a folder was tried with fails: known before any work', async (t) => {
  const where = await makeFolder(t);
  const ended = await runWithFault(
    t,
    { where, runCase: packed, more: [] },
    { call: 'unlink', nth: 1, what: 'EIO' },
  );
  t.true(ended.isHit);
  assertFailed(t, ended, 1, /y\.safetensors: could not remove the partial file: EIO/);
});

testWithStrace('removing the draft of a lock fails: nobody minds', async (t) => {
  const where = await makeFolder(t);
  const ended = await runWithFault(
    t,
    { where, runCase: packed, more: [] },
    { call: 'unlink', nth: 2, what: 'EIO' },
  );
  t.true(ended.isHit);
  t.is(ended.code, 0, ended.stderr);
});

testWithStrace('removing the lock fails: the error says so, and the output is complete', (t) =>
  assertUnlinkFails(t, 3),
);

async function assertUnlinkFails(t: ExecutionContext, nth: number): Promise<void> {
  const where = await makeFolder(t);
  const ended = await runWithFault(
    t,
    { where, runCase: packed, more: [] },
    { call: 'unlink', nth, what: 'EIO' },
  );
  t.true(ended.isHit);
  assertFailed(t, ended, 1, /y\.safetensors\.manifest\.lock: could not \w+ (a|the) lock file: EIO/);
  // Its process is dead, so that it is no obstacle.
  const { code, stderr } = await run(where, argsOf(packed, '--resume'));
  t.is(code, 0, stderr);
  await assertComplete(t, where, packed);
}
