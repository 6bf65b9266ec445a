// headpool work: takes jobs of a queue, one after another, until it is told to stop.
import type { CommandModule } from 'yargs';
import { openJobSource } from '../cluster/queue/bullmq/job-source.js';
import type { JobSource } from '../cluster/queue/run-queue.js';
import { formatCount } from '../page/figures.js';
import { formatTable, toOneLine } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { doJob, type Outcome, type Workshop } from './queue/do-job.js';
import { enterRoot } from './queue/enter-root.js';
import { someFailed } from './exit-codes.js';
import { JobWork } from './queue/job-work.js';
import type { Output } from './outputs/output.js';
import type { workOutput } from './outputs/queue-outputs.js';
import { queueHelp, serverOf } from './queue-server.js';
import { QueuedRuns } from './queue/queued-runs.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson, printNote } from './terminal.js';

export const workCommand: CommandModule<object, CommonArgs> = {
  command: 'work',
  describe: 'Take shards of a queue and compute them, one after another',
  builder: (yargs) =>
    addFlags(yargs, 'work')
      .example(`$0 work ${queueHelp} --root /shared`, 'on every machine; SIGTERM ends it after a chunk')
      .example(`$0 work ${queueHelp} --root /shared --until-empty`, 'ends when there is no more to do'),
  handler: async (args) => {
    const settings = await settingsOf('work', args);
    const { queue, root: folder, lockSeconds, untilEmpty, threads, device, memory } = settings;
    const server = serverOf(settings, args);
    const stop = stopOnSignals();
    const root = await enterRoot(folder);
    const lockMs = lockSeconds * 1000;
    const source = await openJobSource(queue, server, { lockMs, signal: stop, onNote });
    const work = new JobWork();
    try {
      const shop = { runs: new QueuedRuns(root, { threads, device, memory }), work, stop, onNote };
      const output = { format: 1 as const, queue, ...(await workOn(source, shop, untilEmpty)) };
      if (args.json === true) printJson(output);
      else print(formatOutput(output));
      if (output.failed > 0 && !stop.aborted) process.exitCode = someFailed;
    } finally {
      await work[Symbol.asyncDispose]();
      await source.close();
    }
  },
};

function onNote(text: string): void {
  printNote(toOneLine(`headpool: ${text}`));
}

type Counts = Omit<Output<typeof workOutput>, 'format' | 'queue'>;

async function workOn(source: JobSource, shop: Workshop, isUntilEmpty: boolean): Promise<Counts> {
  const outcomes: Outcome[] = [];
  const total = { sequences: 0, tokens: 0, computingMs: 0 };
  const startMs = performance.now();
  while (!shop.stop.aborted) {
    const job = await source.take(shop.stop);
    if (job === undefined) {
      if (isUntilEmpty && (await source.isEmpty())) break;
      continue;
    }
    const { outcome, computed } = await doJob(job, shop);
    outcomes.push(outcome);
    if (outcome !== 'shard' || computed === undefined) continue;
    total.sequences += computed.sequences;
    total.tokens += computed.tokens;
    total.computingMs += computed.computingMs;
  }
  const count = (wanted: Outcome): number => outcomes.filter((outcome) => outcome === wanted).length;
  return {
    ...{ shards: count('shard'), merges: count('merge'), failed: count('failed') },
    ...{ givenBack: count('given back'), ...total, elapsedMs: performance.now() - startMs },
  };
}

function formatOutput({ shards, merges, failed, givenBack, tokens }: Counts): string {
  const rows = [
    ['shards', formatCount(shards)],
    ['tokens', formatCount(tokens)],
    ...(merges > 0 ? [['merges', formatCount(merges)]] : []),
    ...(givenBack > 0 ? [['given back', formatCount(givenBack)]] : []),
    ...(failed > 0 ? [['failed', formatCount(failed)]] : []),
  ];
  return formatTable(rows, ['left', 'left']);
}
