// Disks that are full or read-only: a run says so, leaves nothing half-written under a final name, and goes on when
// there is room.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  argsOf,
  folder,
  lines,
  manyChunks,
  packed,
  useInputs,
  type RunCase,
} from '../helpers/fault-inputs.js';
import { run } from '../helpers/command.js';
import {
  assertComplete,
  assertFailed,
  assertNothingHalf,
  assertResumes,
  filesIn,
} from '../helpers/fault-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { pageBytes, runOnSmallDisk, testOnSmallDisk } from '../helpers/small-disk.js';

useInputs(packed, lines, folder);

const cut = [...manyChunks];

/**
 * The output of the packed case takes 29 pages, its manifest 2, the lock 1: its size has none for the second. Of a text
 * it is not known how much it will be; what is known to have no room is refused before.
 */
const sizes: readonly (readonly [RunCase, number])[] = [
  [packed, 31],
  [lines, 17],
  [lines, 33],
  [folder, 15],
];

for (const [runCase, pages] of sizes) {
  testOnSmallDisk(
    `${runCase.name} on a disk of ${pages} pages: the run fails, and goes on on a larger one`,
    async (t) => {
      const { first, second } = await runOnSmallDisk(t, `size=${pages * pageBytes}`, argsOf(runCase, ...cut));
      assertFailed(t, first, 1, /could not write: ENOSPC|could not create .*: ENOSPC/);
      await assertNothingHalf(t, first.where, runCase);
      t.is(second.code, 0, second.stderr);
      await assertComplete(t, second.where, runCase);
    },
  );
}

test.serial('a run past the longest file allowed fails, and goes on when a longer one is', async (t) => {
  const where = await makeFolder(t);
  // Blocks of 512 or 1024 bytes: both end within the output.
  const ended = await run(where, argsOf(packed, ...cut), {
    under: ['sh', '-c', 'ulimit -f 80; exec "$@"', 'sh'],
  });
  assertFailed(t, ended, 1, /^headpool: y\.safetensors: could not write: EFBIG/);
  t.is(await assertNothingHalf(t, where, packed), 0);
  await assertResumes(t, where, packed);
});

testOnSmallDisk('a read-only folder is refused before anything is computed', async (t) => {
  const { first, second } = await runOnSmallDisk(t, 'size=1m,ro', argsOf(packed, '--json'));
  assertFailed(t, first, 1, /y\.safetensors: could not create a file beside it: EROFS/);
  t.deepEqual(await filesIn(first.where), []);
  t.is(second.code, 0, second.stderr);
  await assertComplete(t, second.where, packed);
});

const toFile = ['sh', '-c', 'exec "$@" > stdout.jsonl', 'sh'];
const toPipe: RunCase = { ...lines, output: '-', flags: ['--output-format', 'jsonl'] };

// The error of the stream is thrown in its handler, besides being reported.
test.serial('standard output on a full device is an error without a stack', async (t) => {
  const where = await makeFolder(t);
  const under = ['sh', '-c', 'exec "$@" > /dev/full', 'sh'];
  assertFailed(t, await run(where, argsOf(toPipe), { under }), 1, /standard output: could not write: ENOSPC/);
});

// Node.js writes once to a file on standard output and doesn't look at how much was written: what the full disk
// didn't take is lost, and the run ends as if it had been.
testOnSmallDisk('standard output that a full disk cuts off is an error', async (t) => {
  const wanted = await run(await makeFolder(t), argsOf(toPipe));
  const { first } = await runOnSmallDisk(t, 'size=200k', argsOf(toPipe), toFile);
  const { size } = await stat(join(first.where, 'stdout.jsonl'));
  t.true(size < wanted.stdout.length);
  assertFailed(t, first, 1, /standard output: could not write: ENOSPC/);
});
