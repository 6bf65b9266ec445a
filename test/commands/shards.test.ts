// Shards by the command alone, as Slurm, Kubernetes and people start it: any order, some twice, some killed, two at once.
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import { exists } from '../../src/files/open-file.js';
import { layerFlags } from '../helpers/batch-run.js';
import { run, start, type Ended, type Started } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testOnUnix } from '../helpers/skips.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { isSame, shuffled } from '../helpers/sharded-run.js';

type Environment = Readonly<Record<string, string>>;

/** Inputs, and the output of one run. */
async function prepare(t: ExecutionContext, lengths: readonly number[] = [30, 5, 40, 0, 12, 33, 9, 21]) {
  const folder = await makeFolder(t);
  await Promise.all(
    [1, 2, 3].map((n) => writeSequences(join(folder, `x${n}.npz`), makeSequences(lengths, n))),
  );
  const flags = [...(await layerFlags(folder)), '-i', 'x*.npz', '--batch-tokens', '64'];
  const one = await run(folder, ['run', ...flags, '-o', 'one.safetensors']);
  t.is(one.code, 0, one.stderr);
  const shard = (args: readonly string[], env: Environment = {}): Promise<Ended> =>
    run(folder, ['run', ...flags, '-o', 'y.safetensors', ...args], { env });
  const isRight = async (): Promise<void> => {
    const merged = await run(folder, ['merge', '-o', 'y.safetensors', '--json']);
    t.is(merged.code, 0, merged.stderr);
    t.like(JSON.parse(merged.stdout), { sequences: 3 * lengths.length, skipped: 0, merged: true });
    await isSame(t, join(folder, 'y.safetensors'), join(folder, 'one.safetensors'));
  };
  return { folder, flags, shard, isRight };
}

interface Listed {
  readonly states: Readonly<Record<string, number>>;
  readonly shards: readonly {
    readonly state: string;
    readonly holder: object | null;
    readonly reason: string | null;
  }[];
}

async function list(t: ExecutionContext, folder: string, ...more: string[]): Promise<Listed> {
  const { code, stdout, stderr } = await run(folder, ['shards', '-o', 'y.safetensors', '--json', ...more]);
  t.is(code, 0, stderr);
  return JSON.parse(stdout) as Listed;
}

const schedulers: Readonly<Record<string, (number: number) => { args: string[]; env: Environment }>> = {
  'a Slurm array': (number) => ({
    args: ['--shard', 'auto'],
    env: {
      SLURM_ARRAY_TASK_ID: String(number - 1),
      SLURM_ARRAY_TASK_MIN: '0',
      SLURM_ARRAY_TASK_MAX: '7',
      SLURM_ARRAY_TASK_COUNT: '8',
    },
  }),
  'an Indexed Job': (number) => ({
    args: ['--shards', '8'],
    env: { JOB_COMPLETION_INDEX: String(number - 1) },
  }),
};

for (const [name, say] of Object.entries(schedulers)) {
  test.serial(`8 shards by ${name}, in any order, some twice, two at a time`, async (t) => {
    const { folder, shard, isRight } = await prepare(t);
    const waiting = shuffled(8, name.length).values();
    const work = async (): Promise<void> => {
      for (const number of waiting) {
        const { args, env } = say(number);
        const { code, stderr } = await shard(args, env);
        // The same shard at once: one of the two is refused, and the other does it.
        if (code !== 0) t.regex(stderr, /another run is writing this output: process \d+/);
      }
    };
    await Promise.all([work(), work()]);
    t.like((await list(t, folder)).states, { done: 8, missing: 0 });
    await isRight();
    const removed = await list(t, folder, '--remove');
    t.like(removed, { removed: 17 });
    t.deepEqual((await readdir(folder)).filter((file) => file.startsWith('y.')).sort(), [
      'y.safetensors',
      'y.safetensors.manifest',
    ]);
  });
}

test.serial('shards and merges that are killed at any moment come to the bytes of one run', async (t) => {
  const { folder, flags, isRight } = await prepare(t, new Array<number>(60).fill(90));
  const random = createRandom(7);
  let kills = 0;
  const untilDone = async (args: readonly string[]): Promise<void> => {
    for (let patience = 200; ; patience *= 1.3) {
      const { child, finished } = start(folder, args);
      const timer = sleep(patience * (0.6 + random.uniform())).then(() => child.kill('SIGKILL'));
      const { code, signal, stderr } = await finished;
      await timer;
      if (code === 0) return;
      t.is(signal, 'SIGKILL', stderr);
      kills++;
    }
  };
  for (const number of [2, 3, 1]) {
    await untilDone(['run', ...flags, '-o', 'y.safetensors', '--shard', `${number}/3`, '--threads', '1']);
  }
  await untilDone(['merge', '-o', 'y.safetensors']);
  t.true(kills > 0);
  await isRight();
});

/** Starts a shard and stops it in its midst; one that was over by then begins anew. */
async function stopAtWork(begin: () => Started, beside: (ending: string) => string): Promise<Started> {
  for (;;) {
    const started = begin();
    const { child, finished } = started;
    const isBegun = async (): Promise<boolean> => {
      const text = await readFile(beside('manifest'), 'utf8').catch(() => '');
      return text.includes('"chunk":2,');
    };
    while (!(await isBegun())) await sleep(5);
    child.kill('SIGSTOP');
    await sleep(50);
    // Who holds it is at work.
    if (await exists(beside('lock'))) return started;
    child.kill('SIGCONT');
    await finished;
    await Promise.all(['part', 'manifest'].map((ending) => rm(beside(ending), { force: true })));
  }
}

testOnUnix('a sleeper whose shard another host took over wakes, changes nothing and ends', async (t) => {
  const { folder, flags, shard, isRight } = await prepare(t, new Array<number>(60).fill(90));
  const beside = (ending: string): string => join(folder, `y.safetensors.shard-1-of-2.${ending}`);
  t.is((await shard(['--shard', '2/2'])).code, 0);
  const args = ['run', ...flags, '-o', 'y.safetensors', '--shard', '1/2'];
  const { child, finished } = await stopAtWork(() => start(folder, args), beside);
  const lock = JSON.parse(await readFile(beside('lock'), 'utf8')) as object;
  await writeFile(beside('lock'), JSON.stringify({ ...lock, host: 'elsewhere' }));
  await utimes(beside('lock'), 1, 1);
  t.is((await shard(['--shard', '1/2', '--take-over'])).code, 0);
  const done = await Promise.all(['part', 'manifest'].map((ending) => readFile(beside(ending))));
  child.kill('SIGCONT');
  const { code, stderr } = await finished;
  t.is(code, 1);
  t.regex(stderr, /another run has taken over this output/);
  const left = await Promise.all(['part', 'manifest'].map((ending) => readFile(beside(ending))));
  t.deepEqual(left.map((bytes, n) => bytes.equals(done[n]!)), [true, true]); // prettier-ignore
  await isRight();
});

test.serial('a machine that can not compute as the others hands its shard back', async (t) => {
  const { folder, shard } = await prepare(t);
  t.is((await shard(['--shard', '1/2', '--kernel', 'reference'])).code, 0);
  const refused = await shard(['--shard', '2/2', '--kernel', 'wasm', '--json']);
  t.is(refused.code, 75, refused.stderr);
  const error = JSON.parse(refused.stderr.trim().split('\n').at(-1)!) as { readonly message: string };
  t.like(error, { code: 'HANDED_BACK', exitCode: 75 });
  t.regex(error.message, /^Shard 2\/2 is handed back: .* reference \(JavaScript\) of headpool .* wasm \(/);
  t.like((await list(t, folder)).states, { done: 1, missing: 1 });
  // Asked for nothing, it computes as the first did.
  t.is((await shard(['--shard', '2/2'])).code, 0);
  t.is((await run(folder, ['merge', '-o', 'y.safetensors'])).code, 0);
});

test.serial('an instruction set that is not there hands the shard back', async (t) => {
  const { folder, shard } = await prepare(t);
  t.is((await shard(['--shard', '1/2'])).code, 0);
  const { code, stderr } = await shard(['--shard', '2/2'], { HEADPOOL_ISA: 'sse1' });
  t.is(code, 75, stderr);
  t.regex(stderr, /handed back/);
  t.like((await list(t, folder)).states, { done: 1, missing: 1 });
});

test.serial(
  'a shard that fails says why, and one of another host is in use until it is taken over',
  async (t) => {
    const { folder, shard, isRight } = await prepare(t);
    t.is((await shard(['--shard', '1/2'])).code, 0);
    const failed = await shard(['--shard', '2/2', '--dtype', 'f16']);
    t.is(failed.code, 2);
    t.regex(failed.stderr, /`dtype`.*`headpool shards --remove` forgets the shards/);
    const [, second] = (await list(t, folder)).shards;
    t.like(second, { state: 'failed', holder: null });
    t.regex(second!.reason!, /`dtype`/);
    const lock = join(folder, 'y.safetensors.shard-2-of-2.lock');
    await writeFile(lock, JSON.stringify({ pid: 12, host: 'elsewhere', started: 1, boot: null }));
    t.like((await list(t, folder)).shards[1], { state: 'under way', holder: { host: 'elsewhere', pid: 12 } });
    const refused = await shard(['--shard', '2/2']);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /process 12 on elsewhere.*--take-over/);
    const removing = await run(folder, ['shards', '-o', 'y.safetensors', '--remove']);
    t.regex(removing.stderr, /shard 2\/2 is under way: process 12 on elsewhere/);
    await utimes(lock, 1, 1);
    const { code, stderr } = await shard(['--shard', '2/2', '--take-over']);
    t.is(code, 0, stderr);
    await isRight();
  },
);

test.serial(
  'the cut is made once: of many that start together one makes it, the others read it',
  async (t) => {
    const { folder, shard, isRight } = await prepare(t);
    const ended = await Promise.all([1, 2, 3, 4].map((number) => shard(['--shard', `${number}/4`])));
    for (const { code, stderr } of ended) t.is(code, 0, stderr);
    t.regex(await readFile(join(folder, 'y.safetensors.shards'), 'utf8'), /"shards":4/);
    await isRight();
  },
);

test.serial('what does not fit the cut is refused', async (t) => {
  const { folder, shard } = await prepare(t);
  t.is((await shard(['--shard', '1/2'])).code, 0);
  t.regex((await shard(['--shard', '1/3'])).stderr, /Expected 2 shards/);
  t.regex(
    (await shard(['--shard', '2/2', '-i', 'x1.npz'])).stderr,
    /Expected x\*\.npz, as y\.safetensors\.shards has, for `input`/,
  );
  t.regex((await shard(['--shard', '3/2'])).stderr, /from 1\/16 to 16\/16/);
  t.regex((await shard(['--shard', 'two'])).stderr, /a shard such as 3\/16, or auto/);
  t.regex((await shard(['--shard', '1/2', '--dry-run'])).stderr, /can't be used together/);
  const none = await run(folder, ['merge', '-o', 'z.safetensors']);
  t.is(none.code, 2);
  t.regex(none.stderr, /z\.safetensors has no shards/);
  const open = await run(folder, ['merge', '-o', 'y.safetensors']);
  t.regex(open.stderr, /got 1 that are not: 2\/2 failed \(Expected x\*\.npz,/);
});

test.serial('the output comes from the configuration of the run, too', async (t) => {
  const { folder, shard } = await prepare(t);
  t.is((await shard(['--shard', '1/1'])).code, 0);
  await writeFile(
    join(folder, 'run.yaml'),
    'input: [x*.npz]\nweights: w.safetensors\noutput: y.safetensors\nthreads: 2\n',
  );
  const listed = await run(folder, ['shards', '--config', 'run.yaml']);
  t.regex(listed.stdout, /1 done; computed by/);
  t.is((await run(folder, ['merge', '--config', 'run.yaml'])).code, 0);
  await isSame(t, join(folder, 'y.safetensors'), join(folder, 'one.safetensors'));
});

test.serial('a folder of outputs needs no merge, be there more shards than files', async (t) => {
  const { folder, flags } = await prepare(t);
  t.is((await run(folder, ['run', ...flags, '-o', 'out/', '--statistics'])).code, 0);
  for (const number of [2, 1, 5, 3, 4]) {
    const ended = await run(folder, [
      'run',
      ...flags,
      '-o',
      'many/',
      '--statistics',
      '--shard',
      `${number}/5`,
    ]);
    t.is(ended.code, 0, ended.stderr);
  }
  const names = (await readdir(join(folder, 'out'))).filter((name) => /\.(safetensors|jsonl)$/.test(name));
  t.is(names.length, 6);
  for (const name of names) await isSame(t, join(folder, 'many', name), join(folder, 'out', name));
  const merged = await run(folder, ['merge', '-o', 'many/', '--json']);
  t.like(JSON.parse(merged.stdout), { merged: false, shards: 5, bytes: 0 });
  // A later run finds what one run would have left.
  const later = ['run', ...flags, '-o', 'many/', '--statistics', '--resume', '--verify-output', '--json'];
  const { stdout } = await run(folder, later);
  t.like(JSON.parse(stdout), { found: { done: 3, new: 0 }, flop: 0, verified: { files: 6 } });
});
