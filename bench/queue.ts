// What a queue costs a shard, with a server on this machine: many tiny shards by one worker, less what the same process
// takes to compute them; and how long an idle worker takes to begin with a job, and to have it done. The jobs stay on the
// server, in queues of their own.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openJobSource } from '../src/cluster/queue/bullmq/job-source.js';
import { openRunQueue } from '../src/cluster/queue/bullmq/open-queue.js';
import { parseServer } from '../src/cluster/queue/connection.js';
import type { TakenJob } from '../src/cluster/queue/run-queue.js';
import { createEngine, type EngineInfo } from '../src/index.js';
import { median } from '../src/measure/statistics.js';
import { formatCount, formatDuration } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand } from './helpers/command.js';
import { openFolder } from './helpers/disk.js';
import { progress, report } from './helpers/outcome.js';

const shards = 200;
const mostMs = 50;
const size = { modelDim: 8, heads: 2 };

const { json, rounds, ...args } = readArguments('What a queue costs a shard.', {
  folder: '',
  rounds: 20,
  servers: ['redis://127.0.0.1:6379', 'postgres://127.0.0.1/postgres'],
});
const folder = join(await openFolder(args.folder), 'queue');
await rm(folder, { recursive: true, force: true });
await mkdir(folder);
const name = `bench-${randomBytes(6).toString('hex')}`;
try {
  const layer = ['--model-dim', `${size.modelDim}`];
  await runCommand([
    'make-weights',
    '-o',
    join(folder, 'w.safetensors'),
    ...layer,
    '--heads',
    `${size.heads}`,
  ]);
  const lengths = ['--sequences', `${4 * shards}`, '--min-length', '4', '--max-length', '4'];
  await runCommand(['make-sequences', '-o', join(folder, 'x.safetensors'), ...layer, ...lengths]);
  const measured: Measured[] = [];
  for (const [index, server] of args.servers.entries()) {
    progress(`${formatCount(shards)} shards through ${new URL(server).protocol.slice(0, -1)}`);
    const worked = await measureWorker(server, `y${index}.safetensors`);
    measured.push({
      server: new URL(server).protocol.slice(0, -1),
      ...worked,
      ...(await measureIdle(server)),
    });
  }
  const engine = await createEngine();
  await engine.close();
  conclude(engine.info, measured);
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Measured {
  readonly server: string;
  readonly computingMs: number;
  readonly queueMs: number;
  /** From when it was submitted. */
  readonly startMs: number;
  /** Until the queue has it. */
  readonly endMs: number;
}

async function measureWorker(
  server: string,
  output: string,
): Promise<Pick<Measured, 'computingMs' | 'queueMs'>> {
  const place = ['--queue', name, '--connection', server, '--root', folder];
  const run = ['-i', 'x.safetensors', '--weights', 'w.safetensors', '-o', output];
  await runCommand(['submit', ...place, ...run, '--shards', `${shards}`]);
  const { stdout } = await runCommand(['work', ...place, '--threads', '1', '--until-empty', '--json']);
  const worked = JSON.parse(stdout) as {
    shards: number;
    merges: number;
    computingMs: number;
    elapsedMs: number;
  };
  if (worked.shards !== shards || worked.merges !== 1) throw new Error(`It did ${stdout}`);
  // The merge counts for the queue: there is one.
  return {
    computingMs: worked.computingMs / shards,
    queueMs: (worked.elapsedMs - worked.computingMs) / shards,
  };
}

async function measureIdle(url: string): Promise<Pick<Measured, 'startMs' | 'endMs'>> {
  const server = parseServer(url, { user: undefined, password: undefined });
  const signal = new AbortController().signal;
  const queue = await openRunQueue(`${name}-idle`, server);
  const source = await openJobSource(`${name}-idle`, server, { lockMs: 30_000, signal, onNote: progress });
  const take = async (): Promise<TakenJob> => (await source.take(signal)) ?? take();
  const times: { readonly startMs: number; readonly endMs: number }[] = [];
  try {
    while (times.length < rounds) {
      const taking = take();
      const run = { run: randomBytes(8).toString('hex'), output: 'y.npy', shards: 1 };
      const submittedMs = performance.now();
      await queue.submit(run, () => false);
      const job = await taking;
      const takenMs = performance.now();
      await job.complete({ sequences: 0, tokens: 0 });
      times.push({ startMs: takenMs - submittedMs, endMs: performance.now() - takenMs });
      await (await take()).complete({ sequences: 0, tokens: 0 });
    }
  } finally {
    await source.close();
    await queue.close();
  }
  return {
    startMs: median(times.map(({ startMs }) => startMs)),
    endMs: median(times.map(({ endMs }) => endMs)),
  };
}

function conclude(engine: EngineInfo, all: readonly Measured[]): void {
  report(
    {
      benchmark: 'queue',
      engines: [engine],
      table: [
        ['', 'computing a shard', 'queue a shard', 'idle: to its start', 'idle: from its end'],
        ...all.map(({ server, computingMs, queueMs, startMs, endMs }) => [
          server,
          ...[computingMs, queueMs, startMs, endMs].map(formatDuration),
        ]),
      ],
      notes: [
        `${formatCount(shards)} shards by one worker; then an idle one gets ${rounds} jobs one by one: medians`,
      ],
      bars: all.flatMap(({ server, queueMs, startMs, endMs }) => [
        bar(`${server}: the queue a shard`, queueMs),
        bar(`${server}: an idle worker`, startMs + endMs),
      ]),
      figures: all,
    },
    { json },
  );
}

function bar(title: string, ms: number) {
  return {
    ...{ name: title, found: formatDuration(ms), wanted: `at most ${mostMs} ms` },
    isMet: ms <= mostMs,
  };
}
