// Others at the same files: a second run, a dead run's lock, and programs that change the inputs under way.
import { appendFile, copyFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { argsOf, manyChunks, shared, slow, useInputs } from '../helpers/fault-inputs.js';
import { run } from '../helpers/command.js';
import {
  assertComplete,
  assertFailed,
  assertNothingHalf,
  assertResumes,
  filesIn,
  stopAtWork,
} from '../helpers/fault-run.js';

useInputs(slow);

test.serial('of two runs of one output the second is refused, and the first ends well', async (t) => {
  // Stopped, it is alive all the same, and surely still at it when the others come.
  const args = argsOf(slow, ...manyChunks);
  const { where, ...first } = await stopAtWork(t, { runCase: slow, args, chunks: 1 });
  // Neither a wish to go on nor one to begin anew breaks into it, and neither does another way to name the file.
  const seconds = await Promise.all([
    run(where, argsOf(slow, '--resume')),
    run(where, argsOf({ ...slow, output: `../${where.split('/').at(-1)!}/y.safetensors` }, '--restart')),
  ]);
  first.child.kill('SIGCONT');
  for (const second of seconds) {
    assertFailed(
      t,
      second,
      1,
      /y\.safetensors\.manifest\.lock: another run is writing this output: process \d+ on/,
    );
    t.true(second.stderr.includes(`process ${first.child.pid!} `), second.stderr);
  }
  const { code, stderr } = await first.finished;
  t.is(code, 0, stderr);
  await assertComplete(t, where, slow);
});

test.serial('the lock of a killed run is no obstacle', async (t) => {
  const args = argsOf(slow, ...manyChunks);
  const { where, ...first } = await stopAtWork(t, { runCase: slow, args, chunks: 3 });
  first.child.kill('SIGKILL');
  await first.finished;
  const { pid } = JSON.parse(await readFile(join(where, 'y.safetensors.manifest.lock'), 'utf8')) as {
    pid: number;
  };
  t.is(pid, first.child.pid!);
  await assertResumes(t, where, slow);
});

/** Changes a file of a run that has begun; it must say so. Returns the folder. */
async function changeUnderWay(
  t: ExecutionContext,
  args: readonly string[],
  change: (path: string) => Promise<void>,
): Promise<string> {
  const prepare = (folder: string): Promise<void> =>
    copyFile(shared('slow.safetensors'), join(folder, 'changing.safetensors'));
  const { where, ...started } = await stopAtWork(t, { runCase: slow, args, chunks: 2, prepare });
  await change(join(where, 'changing.safetensors'));
  started.child.kill('SIGCONT');
  const ended = await started.finished;
  assertFailed(t, ended, 1, /^headpool: \S*changing\.safetensors: expected a file that nobody changes/);
  t.is(await assertNothingHalf(t, where, slow), 0);
  t.false((await filesIn(where)).includes('y.safetensors'));
  return where;
}

const changing = { ...slow, inputs: ['./changing.safetensors'] };

const changes = {
  appended: (path: string) => appendFile(path, 'more'),
  'written over': async (path: string) => {
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await utimes(path, 1, bytes.length);
  },
} as const;

for (const [name, change] of Object.entries(changes)) {
  test.serial(`an input that is ${name} while it is read is an error, and none to go on from`, async (t) => {
    const where = await changeUnderWay(t, argsOf(changing, ...manyChunks), change);
    const resumed = await run(where, argsOf(changing, ...manyChunks, '--resume'));
    // Its header or the manifest tells, whichever is looked at first.
    t.true(resumed.code === 1 || resumed.code === 2, resumed.stderr);
    t.regex(
      resumed.stderr,
      /^headpool: [^\n]*(changing\.safetensors|`inputs\[0\]\.(bytes|modified|checksum)`)[^\n]*\n$/,
    );
    t.false((await filesIn(where)).includes('y.safetensors'));
  });
}

// Only the inputs are looked at again, not the keys and values that they attend.
test.serial('keys that change while they are read are an error', async (t) => {
  const args = argsOf(slow, '--key', './changing.safetensors', ...manyChunks);
  await changeUnderWay(t, args, (path) => utimes(path, 1, 1));
});
