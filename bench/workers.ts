// Two workers of one thread each, with a queue between them, against one run of two threads: the tokens of a second while
// they compute, and the whole from the first process to the last. The jobs stay on the server, in queues of their own.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine } from '../src/index.js';
import { median } from '../src/measure/statistics.js';
import { formatCount, formatDuration, formatShare } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand } from './helpers/command.js';
import { openFolder } from './helpers/disk.js';
import { progress, report } from './helpers/outcome.js';

const shards = 8;
const modelDim = 512;
const leastShare = 0.92;

const { json, rounds, sequences, ...args } = readArguments('Two workers against one run of two threads.', {
  folder: '',
  rounds: 3,
  sequences: 256,
  servers: ['redis://127.0.0.1:6379'],
});
const folder = join(await openFolder(args.folder), 'workers');
const input = ['-i', join(folder, 'x.safetensors'), '--weights', join(folder, 'w.safetensors')];

interface Round {
  readonly run: Rate;
  readonly again: Rate;
  readonly workers: Rate;
}

interface Rate {
  readonly tokensPerSecond: number;
  readonly wallMs: number;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder);
try {
  const width = ['--model-dim', `${modelDim}`];
  await runCommand(['make-weights', '-o', join(folder, 'w.safetensors'), ...width, '--heads', '8']);
  const lengths = ['--sequences', `${sequences}`, '--min-length', '2048', '--max-length', '2048'];
  await runCommand(['make-sequences', '-o', join(folder, 'x.safetensors'), ...width, ...lengths]);
  const found: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    // The order turns, so that neither always comes first.
    const early = round % 2 === 0 ? await measureWorkers(round) : undefined;
    const run = await measureRun();
    const workers = early ?? (await measureWorkers(round));
    found.push({ run, workers, again: await measureRun() });
  }
  const engine = await createEngine({ threads: 2 });
  await engine.close();
  conclude(engine.info, found);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureRun(): Promise<Rate> {
  const output = ['-o', join(folder, 'one.safetensors'), '--restart'];
  const { stdout, wallMs } = await runCommand(['run', ...input, ...output, '--threads', '2', '--json']);
  const { tokensPerSecond } = JSON.parse(stdout) as { readonly tokensPerSecond: number };
  return { tokensPerSecond, wallMs };
}

async function measureWorkers(round: number): Promise<Rate> {
  const queue = ['--queue', `bench-${randomBytes(6).toString('hex')}`, '--connection', args.servers[0]!];
  const place = [...queue, '--root', folder];
  const output = ['-o', join(folder, `y${round}.safetensors`)];
  await runCommand(['submit', ...place, ...input, ...output, '--shards', `${shards}`]);
  const work = ['work', ...place, '--threads', '1', '--until-empty', '--json'];
  const workers = await Promise.all([runCommand(work), runCommand(work)]);
  let [tokensPerSecond, done] = [0, 0];
  for (const { stdout } of workers) {
    const { tokens, computingMs, shards: own } = JSON.parse(stdout) as Readonly<Record<string, number>>;
    tokensPerSecond += (tokens! / computingMs!) * 1000;
    done += own!;
  }
  if (done !== shards) throw new Error(`${done} shards were done, not ${shards}`);
  await runCommand(['shards', ...output, '--remove']);
  return { tokensPerSecond, wallMs: Math.max(...workers.map(({ wallMs }) => wallMs)) };
}

function conclude(engine: Parameters<typeof report>[0]['engines'][number], all: readonly Round[]): void {
  const sides = ['run', 'again', 'workers'] as const;
  const middle = (side: (typeof sides)[number], of: keyof Rate) =>
    median(all.map((round) => round[side][of]));
  const shareOf = (side: (typeof sides)[number]) =>
    median(all.map((round) => round[side].tokensPerSecond / round.run.tokensPerSecond));
  const names = { run: 'one run, 2 threads', again: 'the same again', workers: '2 workers, 1 thread each' };
  report(
    {
      benchmark: 'workers',
      engines: [engine],
      table: [
        ['', 'tokens/s', 'of the run', 'from start to end'],
        ...sides.map((side) => [
          names[side],
          formatCount(Math.round(middle(side, 'tokensPerSecond'))),
          formatShare(shareOf(side)),
          formatDuration(middle(side, 'wallMs')),
        ]),
      ],
      notes: [`${sequences} sequences of 2,048 tokens, ${shards} shards; medians of ${rounds} rounds; to the end with the merge`], // prettier-ignore
      bars: [
        {
          name: 'tokens a second of two workers',
          found: formatShare(shareOf('workers')),
          wanted: `at least ${formatShare(leastShare)} of one run`,
          isMet: shareOf('workers') >= leastShare,
        },
      ],
      figures: all,
    },
    { json },
  );
}
