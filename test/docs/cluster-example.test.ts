// examples/cluster: its README by hand, and its files for Slurm and Kubernetes as these would start them.
import { cp, readFile, rm } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { makeReadersFolder, pages, readBlocks } from '../helpers/documents.js';
import { packageRoot } from '../helpers/package-root.js';
import { linesOf, runLine } from '../helpers/shell-lines.js';
import { execute } from '../helpers/packed.js';
import { openQueueServer, queueServerProblem } from '../helpers/queue-servers.js';
import { testOnUnix, testUnless } from '../helpers/skips.js';

const example = join(fileURLToPath(packageRoot()), 'examples/cluster');

interface Job {
  readonly spec: {
    readonly completions?: number;
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly command: readonly string[] }[] };
    };
  };
}

async function readJob(name: string): Promise<Job> {
  return parse(await readFile(join(example, name), 'utf8')) as Job;
}

function commandOf({ spec }: Job): readonly string[] {
  return spec.template.spec.containers[0]!.command;
}

testOnUnix('examples/cluster comes to the same by hand, by Slurm and by Kubernetes', async (t) => {
  const page = 'examples/cluster/README.md';
  const folder = await makeReadersFolder(t, page);
  await cp(example, folder, { recursive: true });
  const blocks = readBlocks(pages.find(({ path }) => path === page)!);
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const line of linesOf(block)) await runLine(folder, line);
  }
  const byHand = await readFile(join(folder, 'results.safetensors'));
  const start = (command: readonly string[], env: Readonly<Record<string, string>> = {}): void => {
    const path = [join(folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const ended = spawnSync(command[0]!, command.slice(1), {
      cwd: folder,
      env: { ...process.env, PATH: path, ...env },
      encoding: 'utf8',
    });
    t.is(ended.status, 0, ended.stderr);
  };
  const forget = async (): Promise<void> => {
    start(['headpool', 'shards', '--config', 'run.yaml', '--remove']);
    for (const name of ['results.safetensors', 'results.safetensors.manifest']) await rm(join(folder, name));
  };
  await rm(join(folder, 'results.safetensors'));
  await rm(join(folder, 'results.safetensors.manifest'));
  const array = { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '4', SLURM_ARRAY_TASK_COUNT: '4' };
  for (const id of ['4', '2', '1', '3'])
    start(['bash', 'shards.sbatch'], { ...array, SLURM_ARRAY_TASK_ID: id });
  start(['bash', 'merge.sbatch']);
  t.true(byHand.equals(await readFile(join(folder, 'results.safetensors'))));
  await forget();
  const job = await readJob('shards.yaml');
  for (let index = 0; index < job.spec.completions!; index++) {
    start(commandOf(job), { JOB_COMPLETION_INDEX: String(index) });
  }
  start(commandOf(await readJob('merge.yaml')));
  t.true(byHand.equals(await readFile(join(folder, 'results.safetensors'))));
});

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly command: readonly string[]; readonly environment: Environment }>
  >;
}

type Environment = Readonly<Record<string, string>>;

const testWithRedis = testUnless(queueServerProblem('redis'));

testWithRedis('the services of compose.yaml come to the bytes of one run', async (t) => {
  const folder = await makeReadersFolder(t, 'examples/cluster/README.md');
  await cp(example, folder, { recursive: true });
  const { services } = parse(await readFile(join(example, 'compose.yaml'), 'utf8')) as Compose;
  const password = 'a "password" of $ some kind';
  const { queue, submit, work } = services as Record<string, Compose['services'][string]>;
  const server = await openQueueServer(t, 'redis', { password, settings: settingsOf(queue!.command) });
  const path = [join(folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const environment = {
    ...work!.environment,
    HEADPOOL_CONNECTION: server.url,
    HEADPOOL_QUEUE_PASSWORD: password,
  };
  const start = async (command: readonly string[], more: readonly string[] = []): Promise<void> => {
    const args = [...command.slice(1), ...more].map((text) => (text === '/shared' ? folder : text));
    const env = { ...process.env, ...environment, PATH: path };
    const { stdout, stderr } = await execute(command[0]!, args, { cwd: folder, env });
    t.false(`${stdout}${stderr}`.includes(password));
  };
  for (const seed of ['1', '2']) {
    const where = `data/${seed}.safetensors`;
    await start(['headpool', 'make-sequences', '-o', where, '--model-dim', '64', '--seed', seed]);
  }
  await start(['headpool', 'make-weights', '-o', 'weights.safetensors', '--model-dim', '64', '--heads', '4']);
  await start(['headpool', 'run', '--config', 'run.yaml', '-o', 'one.safetensors']);
  await start(submit!.command);
  await Promise.all([1, 2, 3].map(() => start(work!.command, ['--until-empty', '--threads', '1'])));
  const [one, many] = await Promise.all(
    ['one', 'results'].map((name) => readFile(join(folder, `${name}.safetensors`))),
  );
  t.true(one!.equals(many!));
});

/** What the shell line of compose.yaml tells Redis, but for the password. */
function settingsOf(command: readonly string[]): Environment {
  const pairs = [...command.at(-1)!.matchAll(/--([\w-]+) ([\w-]+)/g)].map(([, name, value]) => [
    name!,
    value!,
  ]);
  return Object.fromEntries(pairs) as Environment;
}

test('the Indexed Job has as many completions as it says there are shards', async (t) => {
  const job = await readJob('shards.yaml');
  t.is(commandOf(job).at(-1), String(job.spec.completions));
});
