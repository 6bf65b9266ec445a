// headpool status: the runs of a queue, who is at them, and what failed. The disk isn't looked at.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandModule } from 'yargs';
import { openRunQueue } from '../cluster/queue/bullmq/open-queue.js';
import type { QueuedRunState } from '../cluster/queue/run-queue.js';
import { formatCount } from '../page/figures.js';
import { formatTextTable, toOneLine, type Column } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { statusOutput } from './outputs/queue-outputs.js';
import { queueHelp, serverOf } from './queue-server.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson, printTable } from './terminal.js';

const watchMs = 2000;

export const statusCommand: CommandModule<object, CommonArgs> = {
  command: 'status',
  describe: 'Show the runs of a queue, and the workers that are at them',
  builder: (yargs) =>
    addFlags(yargs, 'status').example(`$0 status ${queueHelp} --watch`, 'until nothing is left to do'),
  handler: async (args) => {
    const settings = await settingsOf('status', args);
    const signal = stopOnSignals();
    const queue = await openRunQueue(settings.queue, serverOf(settings, args));
    try {
      for (;;) {
        const runs = (await queue.read()).map(describeRun);
        if (args.json === true)
          printJson({ format: 1, queue: settings.queue, runs } satisfies Output<typeof statusOutput>);
        else printRuns(settings.queue, runs);
        if (!settings.watch || !runs.some(isOpen)) return;
        await sleep(watchMs, undefined, { signal }).catch(() => {
          signal.throwIfAborted();
        });
      }
    } finally {
      await queue.close();
    }
  },
};

type ListedRun = Output<typeof statusOutput>['runs'][number];

function describeRun({ workers, failures, ...run }: QueuedRunState): ListedRun {
  return {
    ...run,
    tokensPerSecond: workers.reduce((sum, { tokensPerSecond }) => sum + tokensPerSecond, 0),
    workers: workers.map(({ since, shard = null, ...worker }) => ({
      shard,
      ...worker,
      since: since.toISOString(),
    })),
    failures: failures.map(({ shard = null, ...failure }) => ({ shard, ...failure })),
  };
}

/** Whether a worker has or will have something to do. */
function isOpen({ state, underWay, waiting, failed }: ListedRun): boolean {
  return underWay + waiting > 0 || state === 'under way' || (state === 'waiting' && failed === 0);
}

const columns: readonly Column<ListedRun>[] = [
  { title: 'run', value: ({ run }) => run },
  { title: 'output', value: ({ output }) => output },
  { title: 'done', value: ({ done, shards }) => `${done}/${shards}` },
  { title: 'under way', value: ({ underWay }) => underWay },
  { title: 'waiting', value: ({ waiting }) => waiting },
  { title: 'failed', value: ({ failed }) => failed },
  { title: 'merge', value: ({ state }) => state },
  { title: 'tokens', value: ({ tokens }) => tokens },
  { title: 'tokens/s', value: ({ tokensPerSecond }) => Math.round(tokensPerSecond) },
];

function printRuns(name: string, runs: readonly ListedRun[]): void {
  if (runs.length === 0) {
    print(`no runs in the queue ${name}`);
    return;
  }
  printTable(formatTextTable({ columns, rows: runs }));
  for (const { output, workers, failures } of runs) {
    for (const { host, pid, shard, since, tokens, tokensPerSecond } of workers) {
      const rate = `${formatCount(tokens)} tokens, ${formatCount(Math.round(tokensPerSecond))} a second`;
      print(toOneLine(`${nameOf(shard)} of ${output}: process ${pid} on ${host} since ${since}: ${rate}`));
    }
    for (const { shard, reason, isRetried } of failures) {
      print(
        toOneLine(
          `${nameOf(shard)} of ${output} failed${isRetried ? ', and is tried again' : ''}: ${reason}`,
        ),
      );
    }
  }
}

function nameOf(shard: number | null): string {
  return shard === null ? 'merge' : `shard ${shard}`;
}
