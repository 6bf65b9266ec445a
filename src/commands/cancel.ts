// headpool cancel: takes a run out of a queue. What its shards have done stays on the disk.
import type { CommandModule } from 'yargs';
import { openRunQueue } from '../cluster/queue/bullmq/open-queue.js';
import { HeadpoolError } from '../core/errors.js';
import { formatCount } from '../page/figures.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { cancelOutput } from './outputs/queue-outputs.js';
import { queueHelp, serverOf } from './queue-server.js';
import { print, printJson } from './terminal.js';

export const cancelCommand: CommandModule<object, CommonArgs> = {
  command: 'cancel',
  describe: 'Take a run out of a queue; what is done stays, and submitting it again goes on',
  builder: (yargs) =>
    addFlags(yargs, 'cancel').example(`$0 cancel ${queueHelp} --run 3f5a…`, 'the run as `status` names it'),
  handler: async (args) => {
    const settings = await settingsOf('cancel', args);
    const { queue: name, run } = settings;
    const queue = await openRunQueue(name, serverOf(settings, args));
    try {
      const cancelled = await queue.cancel(run);
      if (cancelled === undefined) {
        throw new HeadpoolError('INVALID_OPTION', `The queue ${name} has nothing left to do of run ${run}`);
      }
      const output: Output<typeof cancelOutput> = { format: 1, queue: name, run, ...cancelled };
      if (args.json === true) printJson(output);
      else print(describe(output));
    } finally {
      await queue.close();
    }
  },
};

function describe({ removed, underWay }: Output<typeof cancelOutput>): string {
  const taken = `removed ${formatCount(removed)} jobs`;
  return underWay === 0 ? taken : `${taken}; ${formatCount(underWay)} under way end after their chunk`;
}
