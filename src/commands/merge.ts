// headpool merge: the output that shards make together, with the bytes of one run.
import type { CommandModule } from 'yargs';
import { formatBytes, formatCount, formatDuration } from '../page/figures.js';
import { formatTable } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { someFailed } from './exit-codes.js';
import { mergeOutputOf } from './shards/merge-work.js';
import type { Output } from './outputs/output.js';
import type { mergeOutput } from './outputs/shard-outputs.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson } from './terminal.js';

export const mergeCommand: CommandModule<object, CommonArgs> = {
  command: 'merge',
  describe: 'Put the shards of a run together, with the bytes of one run',
  builder: (yargs) =>
    addFlags(yargs, 'merge')
      .example(
        '$0 merge --output y.safetensors',
        'once all shards are done; again after anything that stopped it',
      )
      .example('$0 merge --config run.yaml', 'the output that the file names'),
  handler: async (args) => {
    const { output, restart } = await settingsOf('merge', args);
    const signal = stopOnSignals();
    const merged: Output<typeof mergeOutput> = {
      format: 1,
      ...(await mergeOutputOf(output, { signal, isRestarting: restart })),
    };
    if (args.json === true) printJson(merged);
    else print(formatMerged(merged));
    if (merged.skipped > 0) process.exitCode = someFailed;
  },
};

function formatMerged(merged: Output<typeof mergeOutput>): string {
  const { output, shards, sequences, tokens, skipped, bytes, elapsedMs } = merged;
  const skips = skipped > 0 ? [['skipped', `${formatCount(skipped)}, exit code 3`]] : [];
  const rows = [
    ['shards', formatCount(shards)],
    ['sequences', formatCount(sequences)],
    ['tokens', formatCount(tokens)],
    ...(merged.merged
      ? [['copied', `${formatBytes(bytes)} in ${formatDuration(elapsedMs)}`]]
      : [['', 'nothing to copy: each shard has written its files']]),
    ...skips,
    ['output', output],
  ];
  return formatTable(rows, ['left', 'left']);
}
