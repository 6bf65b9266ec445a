// headpool shards: where the shards of a run stand, by what lies beside its output; or it forgets them.
import type { CommandModule } from 'yargs';
import type { Cut } from '../cluster/cut-file.js';
import { placeOf, requireCut } from '../cluster/find-cut.js';
import { removeShards } from '../cluster/remove-shards.js';
import { readShardStates, shardStates, type ShardState, type ShardStatus } from '../cluster/shard-states.js';
import { nameHolder } from '../files/lock-holder.js';
import { formatCount } from '../page/figures.js';
import { formatTextTable, toOneLine, type Column } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { removedShards, shardsOutput } from './outputs/shard-outputs.js';
import { print, printJson, printTable } from './terminal.js';

export const shardsCommand: CommandModule<object, CommonArgs> = {
  command: 'shards',
  describe: 'List the shards of a run, and how far each is',
  builder: (yargs) =>
    addFlags(yargs, 'shards')
      .example('$0 shards --output y.safetensors', 'done, under way, failed, stopped, missing')
      .example('$0 shards --config run.yaml --json', 'of the output that the file names')
      .example('$0 shards --output y.safetensors --remove', 'once they are merged'),
  handler: async (args) => {
    const { output, remove } = await settingsOf('shards', args);
    const isJson = args.json === true;
    const place = await placeOf(output);
    const cut = await requireCut(place);
    if (remove) {
      const removed: Output<typeof removedShards> = {
        format: 1,
        output,
        removed: await removeShards(cut, place),
      };
      if (isJson) printJson(removed);
      else print(`removed ${formatCount(removed.removed)} files; ${output} stays`);
      return;
    }
    const states = await readShardStates(cut, output);
    if (isJson) printJson(describeShards(cut, output, states));
    else printShards(cut, states);
  },
};

function describeShards(
  { engine, inputs }: Cut,
  output: string,
  states: readonly ShardStatus[],
): Output<typeof shardsOutput> {
  const { kernel, instructionSet, version } = engine;
  return {
    format: 1,
    ...{ output, kernel, instructionSet, version, inputs },
    states: countStates(states),
    shards: states.map(({ shard, holder, reason, ...status }) => ({
      ...status,
      shard: shard.number,
      holder: holder === undefined ? null : { ...holder, since: holder.since.toISOString() },
      reason: reason ?? null,
    })),
  };
}

function countStates(states: readonly ShardStatus[]): Record<ShardState, number> {
  const counts = shardStates.map((state) => [state, states.filter((one) => one.state === state).length]);
  return Object.fromEntries(counts) as Record<ShardState, number>;
}

const columns: readonly Column<ShardStatus>[] = [
  { title: 'shard', value: ({ shard }) => shard.number },
  { title: 'state', value: ({ state }) => state },
  { title: 'inputs', value: ({ inputs }) => inputs },
  { title: 'sequences', value: ({ sequences }) => sequences },
  { title: 'tokens', value: ({ tokens }) => tokens },
  { title: 'skipped', value: ({ skipped }) => skipped },
  { title: 'who or why', value: ({ holder, reason }) => describeHolder(holder) ?? reason ?? '' },
];

function describeHolder(holder: ShardStatus['holder']): string | undefined {
  return holder && `${nameHolder(holder)} since ${holder.since.toISOString()}`;
}

function printShards(cut: Cut, states: readonly ShardStatus[]): void {
  printTable(formatTextTable({ columns, rows: states }));
  const counts = Object.entries(countStates(states)).filter(([, count]) => count > 0);
  const { kernel, instructionSet } = cut.engine;
  const named = counts.map(([state, count]) => `${formatCount(count)} ${state}`).join(', ');
  print(`\n${toOneLine(`${named}; computed by ${kernel} (${instructionSet})`)}`);
}
