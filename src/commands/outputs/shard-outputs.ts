// What the commands of runs in shards print with `--json`: shards and merge.
import * as z from 'zod';
import { shardStates } from '../../cluster/shard-states.js';
import { count, outputOf } from './output.js';

const listedShard = z.strictObject({
  shard: count.describe('its number, from 1'),
  state: z.enum(shardStates),
  inputs: count.describe('files that it reads, or a part of'),
  sequences: count.describe('that are done'),
  tokens: count,
  skipped: count.describe('files and sequences that were left out'),
  holder: z
    .strictObject({
      host: z.string(),
      pid: count,
      since: z.iso.datetime().describe('when it began'),
    })
    .nullable()
    .describe('the process that is at it'),
  reason: z.string().nullable().describe('why its last attempt failed'),
});

export const shardsOutput = outputOf(1, {
  output: z.string(),
  kernel: z.string().describe('that computes every shard'),
  instructionSet: z.string(),
  version: z.string().describe('of headpool'),
  inputs: count.describe('of the run'),
  states: z
    .strictObject(
      Object.fromEntries(shardStates.map((state) => [state, count])) as Record<
        (typeof shardStates)[number],
        typeof count
      >,
    )
    .describe('how many shards are in which state'),
  shards: z.array(listedShard),
});

export const removedShards = outputOf(1, {
  output: z.string(),
  removed: count.describe('files'),
});

export const mergeOutput = outputOf(1, {
  output: z.string(),
  shards: count,
  sequences: count,
  tokens: count,
  skipped: count.describe('files and sequences that were left out'),
  bytes: count.describe('copied by this command'),
  elapsedMs: z.number(),
  merged: z.boolean().describe('false of a folder, where each shard has written its files'),
});
