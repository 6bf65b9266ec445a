// Jobs that somebody put into a queue who shouldn't: each is refused by name, nothing of it is done, and others go on.
import { mkdir, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exists } from '../../../src/files/open-file.js';
import { layerFlags } from '../../helpers/batch-run.js';
import { run, type Ended } from '../../helpers/command.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { backends, openQueueServer, queueServerProblem, type Backend } from '../../helpers/queue-servers.js';
import { makeSequences, writeSequences } from '../../helpers/sequence-files.js';
import { isSame } from '../../helpers/sharded-run.js';
import { testUnless } from '../../helpers/skips.js';
import { openJobs } from './foreign-jobs.js';

const password = 'only for tests';
const output = 'y.safetensors';
const shards = 4;

interface Foreign {
  readonly title: string;
  readonly name?: string;
  /** What differs from a job that is right. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly reason: RegExp;
}

const foreign: readonly Foreign[] = [
  {
    title: 'a path that leads out of the root',
    data: { output: `../${output}` },
    reason: /a path in the root .*`output`.*\.\.\/y\.safetensors/,
  },
  {
    title: 'an absolute path',
    data: { output: '/etc/y.safetensors' },
    reason: /a path in the root .*`output`.*\/etc\/y\.safetensors/,
  },
  {
    title: 'a link that leads out of the root',
    data: { output: `link/${output}` },
    reason: /a path in the root .*`output`.*link\/y\.safetensors/,
  },
  {
    title: "another run's shard",
    data: { run: '0123456789abcdef' },
    reason: /^y\.safetensors: the job is of run 0123456789abcdef, and what lies there is run [0-9a-f]{16}/,
  },
  { title: 'another number of shards', data: { shards: 5 }, reason: /Expected 4 .*`shards`, got `5`/ },
  { title: 'a shard that there is none of', data: { shard: 5 }, reason: /from 1 to 4 .*`shard`, got `5`/ },
  { title: 'another version', data: { format: 2 }, reason: /Expected 1 .*`format`, got `2`/ },
  { title: 'a field more', data: { command: 'touch made' }, reason: /`command`.*touch made/ },
  { title: 'a job of another kind', name: 'touch', data: {}, reason: /Expected shard or merge .*touch/ },
];

for (const backend of backends) {
  testUnless(queueServerProblem(backend))(
    `${backend}: jobs that are none of ours are refused by name, and others go on`,
    async (t) => {
      const { root, queued, connection } = await prepare(t, backend);
      const submitted = await queued(
        'submit',
        ...(await flagsOf(root, 'x')),
        '-o',
        output,
        '--shards',
        '4',
        '--json',
      );
      const { run: id } = JSON.parse(submitted.stdout) as { readonly run: string };
      await symlink(join(root, '..'), join(root, 'link'));
      const jobs = await openJobs(backend, connection);
      t.teardown(() => jobs.close());
      const right = { format: 1, run: id, output, shard: 2, shards };
      for (const [n, { name = 'shard', data }] of foreign.entries())
        await jobs.add(name, { ...right, ...data }, `foreign-${n}`);
      const worked = await queued('work', '--until-empty', '--json');
      t.is(worked.code, 3, worked.stderr);
      t.like(JSON.parse(worked.stdout), { shards, merges: 1, failed: foreign.length });
      for (const [n, { title, reason }] of foreign.entries()) {
        const failed = await jobs.read(`foreign-${n}`);
        t.like(failed, { state: 'failed', attempts: 1 }, title);
        t.regex(failed.reason, reason, title);
      }
      t.false(await exists(join(root, 'made')));
      await isSame(t, join(root, output), join(root, 'one.safetensors'));
    },
  );

  testUnless(queueServerProblem(backend))(
    `${backend}: shards whose input has changed are refused by its name, and another run goes on`,
    async (t) => {
      const { root, queued, connection } = await prepare(t, backend);
      const changed = join(root, 'changed.safetensors');
      await writeSequences(changed, makeSequences([30, 20, 10], 2));
      const flags = await flagsOf(root, 'changed');
      const submitted = await queued('submit', ...flags, '-o', 'z.safetensors', '--shards', '2', '--json');
      const { run: id } = JSON.parse(submitted.stdout) as { readonly run: string };
      await queued('submit', ...(await flagsOf(root, 'x')), '-o', output, '--shards', String(shards));
      await utimes(changed, 1, 1);
      const worked = await queued('work', '--until-empty', '--json');
      t.is(worked.code, 3, worked.stderr);
      t.like(JSON.parse(worked.stdout), { shards, merges: 1, failed: 2 });
      const jobs = await openJobs(backend, connection);
      t.teardown(() => jobs.close());
      for (const shard of [1, 2]) {
        const failed = await jobs.read(`${id}-${shard}`);
        t.like(failed, { state: 'failed', attempts: 1 });
        t.regex(failed.reason, /changed\.safetensors.*modified/);
      }
      t.not((await jobs.read(`${id}-merge`)).state, 'completed');
      t.false(await exists(join(root, 'z.safetensors')));
      await isSame(t, join(root, output), join(root, 'one.safetensors'));
    },
  );
}

/** A root with an input, what one plain run makes of it, and a queue. */
async function prepare(t: ExecutionContext, backend: Backend) {
  const root = join(await makeFolder(t), 'root');
  await mkdir(root);
  await writeSequences(join(root, 'x.safetensors'), makeSequences([30, 5, 40, 0, 12, 33, 9, 21], 1));
  const one = await run(root, ['run', ...(await flagsOf(root, 'x')), '-o', 'one.safetensors']);
  t.is(one.code, 0, one.stderr);
  const { url } = await openQueueServer(t, backend, { password });
  const where = ['--queue', 'shared', '--connection', url];
  const queued = async (name: string, ...args: readonly string[]): Promise<Ended> => {
    const ended = await run(root, [name, ...where, ...args], { env: { HEADPOOL_QUEUE_PASSWORD: password } });
    if (name === 'submit') t.is(ended.code, 0, ended.stderr);
    return ended;
  };
  return { root, queued, connection: { url, password, queue: 'shared' } };
}

async function flagsOf(root: string, input: string): Promise<string[]> {
  const [, , ...others] = await layerFlags(root);
  return ['--weights', 'w.safetensors', ...others, '-i', `${input}.safetensors`, '--batch-tokens', '32'];
}
