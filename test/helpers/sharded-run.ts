// A run in shards inside the test's own process, wired as the commands wire it.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ExecutionContext } from 'ava';
import { adoptEarlier, removeEarlier } from '../../src/cluster/adopt.js';
import { claimAttempt, type Attempt } from '../../src/cluster/attempt.js';
import type { Cut, ShardEngine } from '../../src/cluster/cut-file.js';
import { readCut, writeCut } from '../../src/cluster/cut-file.js';
import { readFinishedShards } from '../../src/cluster/finished-shards.js';
import { makeCut } from '../../src/cluster/make-cut.js';
import { mergeShards, type MergeOptions } from '../../src/cluster/merge.js';
import { cutPathOf, shardPathsOf, shardWorkOf } from '../../src/cluster/shard.js';
import {
  identifyShard,
  inputsOfShard,
  outputOfShard,
  requestOfShard,
} from '../../src/cluster/shard-request.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { RunPlanner } from '../../src/runs/planner.js';
import { identifyWork } from '../../src/runs/identity.js';
import { heads, requestFor, runBatch, type Bench, type RunParts } from './batch-run.js';

type Asked = Parameters<typeof requestFor>[0];

export interface ShardedRun {
  readonly cut: Cut;
  readonly pathsOf: (number: number) => ReturnType<typeof shardPathsOf>;
  readonly runShard: (number: number, parts?: Omit<RunParts, 'bench'>) => Promise<void>;
  /** The same as who gets a shard from a queue does it. */
  readonly attemptShard: (number: number, parts?: Omit<RunParts, 'bench'>) => Promise<void>;
  readonly merge: (options?: Partial<MergeOptions>) => Promise<void>;
}

/** Cuts a run into shards. @param engine that all are said to be computed by; default the bench's */
export async function cutInto(
  count: number,
  bench: Bench,
  asked: Asked,
  engine: ShardEngine = bench.engine.info,
): Promise<ShardedRun> {
  const { output } = asked;
  const whole = await requestFor(asked);
  const files = asked.inputs.map((path) => ({ path, name: basename(path) }));
  const place = { output, isFolder: whole.folder !== undefined };
  const { version, kernel, instructionSet } = engine;
  const made = await makeCut(whole, {
    shards: count,
    planner: new RunPlanner(whole, heads, heads),
    work: await identifyWork(whole, bench.layer),
    engine: { version, kernel, instructionSet },
    ...{ files, patterns: asked.inputs },
  });
  const cutPath = cutPathOf(place);
  await writeCut(cutPath, made);
  const cut = (await readCut(cutPath))!;
  const prepare = async (number: number, attempt?: Attempt) => {
    const shard = { number, count };
    const inputs = inputsOfShard(cut, { cutPath, shard, patterns: asked.inputs });
    const paths = inputs.map(({ path }) => path);
    const planned = await requestFor({ ...asked, ...outputOfShard(cut, place, shard), inputs: paths });
    const request = requestOfShard(planned, inputs, { place, shard, attempt });
    const work = await identifyWork(request, bench.layer);
    return { request, identity: await identifyShard(cut, work, { cutPath, inputs }) };
  };
  return {
    cut,
    pathsOf: (number) => shardPathsOf(place, { number, count }),
    runShard: async (number, parts) => {
      const { request, identity } = await prepare(number);
      await runBatch(request, { bench, identity, earlier: 'resume', ...parts });
    },
    attemptShard: async (number, parts) => {
      const attempt = await claimAttempt(shardWorkOf(place, { number, count }));
      const { request, identity } = await prepare(number, attempt);
      await adoptEarlier(attempt, request.targets);
      const assertLatest = () => attempt.assertLatest();
      await runBatch(request, { bench, identity, earlier: 'resume', assertLatest, ...parts });
      await attempt.publish();
      await removeEarlier(attempt, request.targets);
    },
    merge: async (options) => {
      const shards = await readFinishedShards(cut, output);
      await mergeShards(cut, shards, {
        ...{ output, isRestarting: false, signal: new AbortController().signal },
        onProgress: () => undefined,
        ...options,
      });
    },
  };
}

/** The numbers from 1 to `count` in an order of their own, some of them twice. */
export function shuffled(count: number, seed: number): number[] {
  const random = createRandom(seed);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const again = numbers.filter(() => random.uniform() < 0.3);
  return [...numbers, ...again]
    .map((number) => ({ number, at: random.uniform() }))
    .sort((a, b) => a.at - b.at)
    .map(({ number }) => number);
}

/** Whether two files have the same bytes. */
export async function isSame(t: ExecutionContext, path: string, expected: string): Promise<void> {
  const [found, wanted] = await Promise.all([path, expected].map((one) => readFile(one)));
  t.true(found!.equals(wanted!), `${path}: other bytes than ${expected}`);
}
