// What the commands around a queue print with `--json`: submit, work, status and cancel.
import * as z from 'zod';
import { mergeStates } from '../../cluster/queue/run-queue.js';
import { count, outputOf } from './output.js';

const run = z.string().describe('16 hexadecimal digits that tell the run from every other one');
const output = z.string().describe('from the root');

export const submitOutput = outputOf(1, {
  queue: z.string(),
  run,
  output,
  shards: count,
  added: count.describe('jobs of shards that the queue did not have'),
  present: count.describe('those that it had already'),
  retried: count.describe('those that had failed, and are tried again'),
  done: count.describe('shards that are done on the disk'),
});

export const workOutput = outputOf(1, {
  queue: z.string(),
  shards: count.describe('that were finished here'),
  merges: count,
  failed: count.describe('jobs that failed, those that are tried again included'),
  givenBack: count.describe('jobs that went back to the queue unfinished'),
  sequences: count.describe('of the shards that were finished here'),
  tokens: count,
  computingMs: z.number().describe('that they took here'),
  elapsedMs: z.number().describe('since the worker was ready, with all that it waited'),
});

const shard = count.nullable().describe('its number, from 1; null: the merge');

const listedRun = z.strictObject({
  run,
  output,
  state: z
    .enum(mergeStates)
    .describe('waiting: for shards, or for a worker that merges them; the others are of the merge'),
  shards: count,
  done: count,
  underWay: count,
  waiting: count,
  failed: count.describe('for good, until the run is submitted again'),
  sequences: count.describe('that are done'),
  tokens: count,
  tokensPerSecond: z.number().describe('of all workers that are at it'),
  workers: z.array(
    z.strictObject({
      host: z.string(),
      pid: count,
      shard,
      since: z.iso.datetime(),
      sequences: count,
      tokens: count,
      tokensPerSecond: z.number(),
    }),
  ),
  failures: z.array(
    z.strictObject({
      shard,
      reason: z.string(),
      isRetried: z.boolean().describe('by itself, after a while'),
    }),
  ),
});

export const statusOutput = outputOf(1, {
  queue: z.string(),
  runs: z.array(listedRun),
});

export const cancelOutput = outputOf(1, {
  queue: z.string(),
  run,
  removed: count.describe('jobs of shards that nobody had begun'),
  underWay: count.describe('jobs that end after their chunk'),
});
