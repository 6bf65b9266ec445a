// Runs through a queue by the command alone: submitted, computed by workers of a real server, merged; and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { jobIdOf, jobOf } from '../../src/cluster/queue/job.js';
import { layerFlags } from '../helpers/batch-run.js';
import { cli, finish, run, start, type Ended, type Started } from '../helpers/command.js';
import { addForeign, dumpJobs } from '../helpers/foreign-jobs.js';
import { untilTrue } from '../helpers/job-queues.js';
import { makeFolder } from '../helpers/make-folder.js';
import { packageRoot } from '../helpers/package-root.js';
import {
  backends,
  queueServerProblem,
  startQueueServer,
  type QueueServer,
} from '../helpers/queue-servers.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { isSame } from '../helpers/sharded-run.js';
import { testSeriallyUnless } from '../helpers/skips.js';

const lengths = [30, 5, 40, 0, 12, 33, 9, 21];
let queues = 0;

interface Submitted {
  readonly run: string;
  readonly added: number;
  readonly present: number;
  readonly retried: number;
  readonly done: number;
}

interface Status {
  readonly runs: readonly {
    readonly run: string;
    readonly state: string;
    readonly done: number;
    readonly underWay: number;
    readonly waiting: number;
    readonly failed: number;
    readonly tokens: number;
    readonly workers: readonly { readonly pid: number }[];
    readonly failures: readonly { readonly shard: number | null; readonly reason: string }[];
  }[];
}

/** Three inputs, a layer, and a queue of its own. */
async function prepare(t: ExecutionContext, server: QueueServer, each: readonly number[] = lengths) {
  const folder = await makeFolder(t);
  const [queue, flags] = [`q${queues++}`, ['--weights', 'w.safetensors', '--heads', '2', '-i', 'x*.npz']];
  await layerFlags(folder);
  await Promise.all([1, 2, 3].map((n) => writeSequences(join(folder, `x${n}.npz`), makeSequences(each, n))));
  const place = ['--queue', queue, '--connection', server.url];
  const ask = async (command: string, ...args: string[]): Promise<Ended> =>
    run('/', [command, ...place, ...args]);
  const json = async (command: string, ...args: string[]): Promise<object> => {
    const { code, stdout, stderr } = await ask(command, ...args, '--json');
    t.is(code, 0, stderr);
    return JSON.parse(stdout) as object;
  };
  const submit = (...args: string[]) => ['--root', folder, ...flags, ...args];
  return {
    ...{ folder, queue, flags, ask },
    submit: async (output: string, shards: number, ...args: string[]) =>
      (await json('submit', ...submit('-o', output, '--shards', String(shards), ...args))) as Submitted,
    refuse: async (...args: string[]): Promise<string> => {
      const { code, stderr } = await ask('submit', ...submit(...args));
      t.is(code, 2, stderr);
      return stderr;
    },
    status: async () => (await json('status')) as Status,
    work: (...args: string[]): Started =>
      start('/', ['work', ...place, '--root', folder, '--threads', '1', ...args]),
    watch: (): Started => start('/', ['status', ...place, '--watch']),
    one: async (output: string, ...args: string[]): Promise<string> => {
      const { code, stderr } = await run(folder, ['run', ...flags, '-o', output, ...args]);
      t.is(code, 0, stderr);
      return join(folder, output);
    },
  };
}

async function ends(t: ExecutionContext, { finished }: Started, code: number): Promise<Ended> {
  const ended = await finished;
  t.is(ended.code, code, ended.stderr);
  return ended;
}

for (const backend of backends) {
  const problem = queueServerProblem(backend);
  const testIt = testSeriallyUnless(problem);
  let server: QueueServer;
  if (problem === undefined) {
    test.before(async () => {
      server = await startQueueServer(backend);
    });
    test.after.always(() => server.close());
  }

  testIt(`${backend}: two workers compute what one run computes, and it is merged`, async (t) => {
    const { folder, submit, status, work, one } = await prepare(t, server);
    t.like(await submit('y.safetensors', 8), { added: 8, present: 0, retried: 0, done: 0 });
    t.like(await submit('y.safetensors', 8), { added: 0, present: 8, retried: 0 });
    const both = [work('--until-empty', '--json'), work('--until-empty', '--json')];
    const ended = await Promise.all(both.map((worker) => ends(t, worker, 0)));
    const counts = ended.map(({ stdout }) => JSON.parse(stdout) as { shards: number; merges: number });
    t.is(counts[0]!.shards + counts[1]!.shards, 8);
    t.is(counts[0]!.merges + counts[1]!.merges, 1);
    t.like((await status()).runs[0], { state: 'done', done: 8, waiting: 0, failed: 0, failures: [] });
    await isSame(t, join(folder, 'y.safetensors'), await one('one.safetensors'));
    t.like(await submit('y.safetensors', 8), { added: 0, present: 8, retried: 0, done: 8 });
  });

  testIt(`${backend}: a folder of outputs is computed as one run computes it`, async (t) => {
    const { folder, submit, work, one } = await prepare(t, server);
    await submit('out/', 2, '--statistics');
    await ends(t, work('--until-empty'), 0);
    await one('whole/', '--statistics');
    const names = (await readdir(join(folder, 'whole'))).filter((name) => !name.startsWith('headpool'));
    t.true(names.length >= 6);
    for (const name of names) await isSame(t, join(folder, 'out', name), join(folder, 'whole', name));
  });

  testIt(
    `${backend}: SIGTERM and cancel end a shard after its chunk, and others go on with it`,
    async (t) => {
      const long = Array.from({ length: 1200 }, (_, n) => 20 + (n % 9));
      const { folder, ask, submit, status, work, one } = await prepare(t, server, long);
      await submit('y.safetensors', 1, '--batch-tokens', '64');
      // It looks around once a second.
      const first = work('--lock-seconds', '4');
      await untilTrue(async () => ((await status()).runs[0]?.tokens ?? 0) > 0);
      const { workers } = (await status()).runs[0]!;
      t.is(workers[0]!.pid, first.child.pid!);
      first.child.kill('SIGTERM');
      const { stderr } = await ends(t, first, 143);
      t.regex(stderr, /shard 1\/1 of y\.safetensors: given back/);
      const given = (await status()).runs[0]!;
      t.like(given, { underWay: 0, waiting: 1, done: 0, failures: [] });
      // The next one has to go, too.
      const second = work('--until-empty', '--lock-seconds', '4');
      await untilTrue(async () => ((await status()).runs[0]?.underWay ?? 0) > 0);
      const cancelled = await ask('cancel', '--run', given.run);
      t.regex(cancelled.stdout, /^removed 0 jobs; 1 under way/);
      t.regex((await ends(t, second, 0)).stderr, /shard 1\/1 of y\.safetensors: cancelled/);
      t.deepEqual((await status()).runs, []);
      t.like(await submit('y.safetensors', 1, '--batch-tokens', '64'), { run: given.run, added: 1 });
      await ends(t, work('--until-empty'), 0);
      await isSame(t, join(folder, 'y.safetensors'), await one('one.safetensors'));
    },
  );

  testIt(`${backend}: jobs that are none of ours are refused by name, and the others go on`, async (t) => {
    const { folder, queue, submit, status, work, one } = await prepare(t, server);
    const { run: id } = await submit('y.safetensors', 2);
    const ours = { run: id, output: 'y.safetensors', shards: 2 };
    const other = 'f'.repeat(16);
    if (process.platform !== 'win32') await symlink(join(folder, '..'), join(folder, 'up'));
    const jobs = [
      { name: 'shard', data: jobOf({ ...ours, output: '../y.safetensors' }, 1) },
      { name: 'shard', data: jobOf({ ...ours, output: 'up/y.safetensors' }, 1) },
      { name: 'shard', data: jobOf({ ...ours, output: join(folder, 'y.safetensors') }, 1) },
      { name: 'shard', data: jobOf({ ...ours, run: other }, 1) },
      { name: 'shard', data: jobOf({ ...ours, shards: 3 }, 3) },
      { name: 'shard', data: { ...jobOf(ours, 1), format: 2 } },
      { name: 'shard', data: { ...jobOf(ours, 1), weights: '/etc/passwd' } },
      { name: 'rm -rf', data: jobOf(ours, 1) },
    ];
    await addForeign(
      server.url,
      queue,
      jobs.map((job, n) => ({ ...job, id: jobIdOf(other, n + 1) })),
    );
    const { stderr } = await ends(t, work('--until-empty'), 3);
    t.is(stderr.match(/: failed: /g)!.length, jobs.length);
    for (const said of [
      /`output`, got `"\.\.\/y\.safetensors"`/,
      /`output`, got `"up\/y\.safetensors"`/,
      /a path in the root .* for `output`/,
      new RegExp(`the job is of run ${other}, and what lies there is run ${id}`),
      /Expected 2 in a job for `shards`, got `3`/,
      /Expected 1 in a job for `format`, got `2`/,
      /Expected nothing in a job for `weights`/,
      /Expected shard or merge for `job`, got `"rm -rf"`/,
    ])
      t.regex(stderr, said);
    t.like((await status()).runs[0], { run: id, state: 'done', done: 2 });
    await isSame(t, join(folder, 'y.safetensors'), await one('one.safetensors'));
  });

  testIt(`${backend}: an input that changed is refused by name, and the other shards go on`, async (t) => {
    const { folder, submit, status, work } = await prepare(t, server);
    await submit('y.safetensors', 3);
    await writeSequences(join(folder, 'x2.npz'), makeSequences([7, 7], 9));
    const { stderr } = await ends(t, work('--until-empty'), 3);
    t.regex(stderr, /x2\.npz: expected the file that was cut into shards/);
    const { done, failed, failures, state } = (await status()).runs[0]!;
    t.true(done > 0 && failed > 0 && done + failed === 3);
    t.is(state, 'waiting');
    for (const { reason } of failures) t.regex(reason, /^x2\.npz: /);
  });

  testIt(`${backend}: a cancelled run goes on when it is submitted again`, async (t) => {
    const { folder, ask, submit, status, work, one } = await prepare(t, server);
    const { run: id } = await submit('y.safetensors', 4);
    const cancelled = await ask('cancel', '--run', id);
    t.is(cancelled.stdout, 'removed 4 jobs\n');
    t.deepEqual((await status()).runs, []);
    const again = await ask('cancel', '--run', id);
    t.is(again.code, 2);
    t.like(await submit('y.safetensors', 4), { run: id, added: 4 });
    await ends(t, work('--until-empty'), 0);
    await isSame(t, join(folder, 'y.safetensors'), await one('one.safetensors'));
  });

  testIt(`${backend}: shards that were removed are computed anew`, async (t) => {
    const { folder, submit, work, one } = await prepare(t, server);
    const { run: id } = await submit('y.safetensors', 3);
    await ends(t, work('--until-empty'), 0);
    t.is((await run(folder, ['shards', '-o', 'y.safetensors', '--remove'])).code, 0);
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('y.')),
      ['y.safetensors', 'y.safetensors.manifest'],
    );
    t.like(await submit('y.safetensors', 3), { run: id, added: 3, done: 0 });
    await ends(t, work('--until-empty'), 0);
    await isSame(t, join(folder, 'y.safetensors'), await one('one.safetensors'));
  });

  testIt(`${backend}: status --watch ends when all is done`, async (t) => {
    const { submit, work, watch } = await prepare(t, server);
    await submit('y.safetensors', 2);
    const watching = watch();
    await once(watching.child.stdout!, 'data');
    await ends(t, work('--until-empty'), 0);
    const { stdout } = await ends(t, watching, 0);
    t.regex(stdout, /0\/2/);
    t.regex(stdout, /2\/2 .*done/);
  });
}

const testOnRedis = testSeriallyUnless(queueServerProblem('redis'));

async function openRedis(t: ExecutionContext, password?: string): Promise<QueueServer> {
  const server = await startQueueServer('redis', { password });
  t.teardown(() => server.close());
  return server;
}

test('a package that is missing is named, with what installs it', async (t) => {
  const folder = await makeFolder(t);
  await cp(dirname(cli), join(folder, 'command'), { recursive: true });
  await cp(new URL('package.json', packageRoot()), join(folder, 'package.json'));
  for (const [scheme, driver] of [
    ['redis', 'ioredis'],
    ['postgres', 'pg'],
  ] as const) {
    const args = ['status', '--queue', 'jobs', '--connection', `${scheme}://127.0.0.1:9`];
    const child = spawn(process.execPath, [join(folder, 'command/headpool.js'), ...args]);
    const { code, stderr } = await finish(child);
    t.is(code, 2);
    t.true(
      stderr.includes(`the package ${driver}`) && stderr.includes(`npm install bullmq ${driver}`),
      stderr,
    );
  }
});

testOnRedis(
  'settings that differ from those that were submitted are refused, until the shards are removed',
  async (t) => {
    const { folder, submit, refuse } = await prepare(t, await openRedis(t));
    await submit('y.safetensors', 2);
    const other = ['-o', 'y.safetensors', '--shards', '2', '--causal'];
    t.regex(await refuse(...other), /causal/);
    t.regex(await refuse('-o', 'y.safetensors', '--shards', '3'), /2 shards, as y\.safetensors\.shards has/);
    await run(folder, ['shards', '-o', 'y.safetensors', '--remove']);
    t.like(await submit('y.safetensors', 2, '--causal'), { added: 2 });
  },
);

testOnRedis('what lies outside of the root is refused when it is submitted', async (t) => {
  const { folder, refuse } = await prepare(t, await openRedis(t));
  for (const args of [
    ['-o', '../y.safetensors'],
    ['-o', '/tmp/y.safetensors'],
    ['-o', 'y.safetensors', '--embedding', '/etc/passwd'],
    ['-o', 'y.safetensors', '--key', 'data/../../k.npz'],
  ])
    t.regex(await refuse(...args, '--shards', '2'), /Expected a path in the root/);
  t.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('y.')),
    [],
  );
});

const noLinks = process.platform === 'win32' ? 'Windows asks for rights to make links' : undefined;

testSeriallyUnless(noLinks ?? queueServerProblem('redis'))(
  'an input that is a link out of the root is refused by name',
  async (t) => {
    const { folder, refuse } = await prepare(t, await openRedis(t));
    const outside = await makeFolder(t);
    await writeSequences(join(outside, 'x.npz'), makeSequences(lengths, 4));
    await symlink(join(outside, 'x.npz'), join(folder, 'x4.npz'));
    t.regex(await refuse('-o', 'y.safetensors', '--shards', '2'), /for `input`, got `"x4\.npz"`/);
  },
);

testOnRedis('a password comes from the environment, and is said nowhere', async (t) => {
  const [password, name] = ['pass-secret', 'jobs'];
  const server = await openRedis(t, password);
  const { folder, flags } = await prepare(t, server);
  const whole = server.url.replace('redis://', `redis://:${password}@`);
  const flag = await run(folder, ['status', '--queue', name, '--connection', whole]);
  t.is(flag.code, 2);
  t.regex(flag.stderr, /HEADPOOL_QUEUE_PASSWORD/);
  const wrong = await run(folder, ['status', '--queue', name, '--connection', server.url]);
  t.is(wrong.code, 1);
  const outputs = [flag, wrong];
  for (const [env, args] of [
    [
      { HEADPOOL_QUEUE_PASSWORD: password, HEADPOOL_CONNECTION: server.url },
      ['submit', ...flags, '-o', 'y.npz.safetensors', '--shards', '2'],
    ],
    [{ HEADPOOL_CONNECTION: whole }, ['work', '--until-empty']],
    [{ HEADPOOL_CONNECTION: whole }, ['status']],
  ] as const) {
    const ended = await run(folder, [...args, '--queue', name], { env });
    t.is(ended.code, 0, ended.stderr);
    outputs.push(ended);
  }
  for (const { stdout, stderr } of outputs) t.false(`${stdout}${stderr}`.includes(password));
  t.false((await dumpJobs(whole, name)).includes(password));
});
