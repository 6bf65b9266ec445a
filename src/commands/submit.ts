// headpool submit: cuts a run into shards, and puts them into a queue for workers on any machine.
import type { CommandModule } from 'yargs';
import { mapAtOnce } from '../core/at-once.js';
import type { Cut } from '../cluster/cut-file.js';
import { placeOf } from '../cluster/find-cut.js';
import { openRunQueue } from '../cluster/queue/bullmq/open-queue.js';
import { identifyRunFiles, keepRunFile } from '../cluster/queue/run-file.js';
import { readShardStates } from '../cluster/shard-states.js';
import { runPathOf } from '../cluster/shard.js';
import { changePaths, restoreRun, storeRun } from '../config/stored-run.js';
import { formatCount } from '../page/figures.js';
import { formatTable } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { enterRoot } from './queue/enter-root.js';
import type { Output } from './outputs/output.js';
import type { submitOutput } from './outputs/queue-outputs.js';
import { queueHelp, serverOf } from './queue-server.js';
import { requireInputs } from './queue/queued-runs.js';
import { cutForQueue } from './shards/open-cut.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson } from './terminal.js';

export const submitCommand: CommandModule<object, CommonArgs> = {
  command: 'submit',
  describe: 'Put the shards of a run into a queue',
  builder: (yargs) =>
    addFlags(yargs, 'submit')
      .example(
        `$0 submit ${queueHelp} --root /shared -i data/ --weights w.safetensors -o y.safetensors --shards 64`,
        'paths start from the root',
      )
      .example(
        `$0 submit ${queueHelp} --root /shared --config run.yaml --shards 64`,
        'again after shards have failed: they are tried again, and nothing is added twice',
      ),
  handler: async (args) => {
    const settings = await settingsOf('submit', args);
    const { queue: name, root: folder, shards } = settings;
    const server = serverOf(settings, args);
    const signal = stopOnSignals();
    const root = await enterRoot(folder);
    const stored = await changePaths(storeRun(settings), (path, field) => root.relativeOf(path, field));
    const place = await placeOf(String(stored['output']));
    const { threads, device, memory, kernel, isa } = settings;
    const run = restoreRun(runPathOf(place), stored, { threads, device, memory, kernel, isa });
    const queue = await openRunQueue(name, server);
    try {
      const cut = await cutForQueue(run, { shards, signal });
      await mapAtOnce([...cut.parts.keys()], atOnce, (index) =>
        requireInputs(root, { place, cut }, index + 1),
      );
      await keepRunFile(place, stored);
      const queued = { run: await identifyRunFiles(place), output: run.output, shards };
      const done = await findDone(cut, run.output);
      const submitted = await queue.submit(queued, (shard) => done.has(shard));
      const output = { format: 1 as const, queue: name, ...queued, ...submitted, done: done.size };
      if (args.json === true) printJson(output);
      else print(formatOutput(output));
    } finally {
      await queue.close();
    }
  },
};

/** Shards whose inputs are looked at, at once. */
const atOnce = 16;

async function findDone(cut: Cut, output: string): Promise<ReadonlySet<number>> {
  const states = await readShardStates(cut, output);
  return new Set(states.filter(({ state }) => state === 'done').map(({ shard }) => shard.number));
}

function formatOutput({ run, output, added, present, retried, done }: Output<typeof submitOutput>): string {
  const rows = [
    ['run', run],
    ['added', `${formatCount(added)} shards`],
    ...(present > 0 ? [['there already', formatCount(present)]] : []),
    ...(retried > 0 ? [['tried again', formatCount(retried)]] : []),
    ...(done > 0 ? [['done', formatCount(done)]] : []),
    ['output', output],
  ];
  return formatTable(rows, ['left', 'left']);
}
