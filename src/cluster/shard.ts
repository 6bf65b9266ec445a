// One shard of a run: its number among how many, and the names of the files that are its own.
import { join } from 'node:path';
import { pathBeside } from '../files/path-beside.js';

export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly count: number;
}

/** Where a run in shards goes. */
export interface ShardedOutput {
  /** A file, or a folder for a file of each input. */
  readonly output: string;
  readonly isFolder: boolean;
}

/** What lies beside an output, or in its folder, for a shard. */
export interface ShardPaths {
  /** What it writes of a single output. */
  readonly part: string;
  readonly statistics: string;
  readonly manifest: string;
  readonly lock: string;
  /** Why its last attempt ended, if it failed. */
  readonly failure: string;
}

/** Says who computes what, once for all shards. */
export function cutPathOf(place: ShardedOutput): string {
  return besideOutput(place, '.shards');
}

/** Says what all shards of a queued run compute. */
export function runPathOf(place: ShardedOutput): string {
  return besideOutput(place, '.run');
}

export function shardPathsOf(place: ShardedOutput, { number, count }: Shard): ShardPaths {
  const at = (ending: string): string => besideOutput(place, `.shard-${number}-of-${count}${ending}`);
  return {
    part: at('.part'),
    statistics: at('.statistics.jsonl'),
    manifest: at('.manifest'),
    lock: at('.lock'),
    failure: at('.failure'),
  };
}

/** Work of a sharded run that a queue gives out, and that several may come to be at. */
export interface QueuedWork {
  /** For messages. */
  readonly name: string;
  /** What it is when it is done. */
  readonly manifest: string;
  /** Of a file that an attempt at it has. */
  readonly pathOf: (ending: string) => string;
}

export function shardWorkOf(place: ShardedOutput, shard: Shard): QueuedWork {
  return {
    name: `${place.output}: shard ${formatShard(shard)}`,
    manifest: shardPathsOf(place, shard).manifest,
    pathOf: (ending) => besideOutput(place, `.shard-${shard.number}-of-${shard.count}${ending}`),
  };
}

export function mergeWorkOf(place: ShardedOutput): QueuedWork {
  return {
    name: `${place.output}: its merge`,
    manifest: besideOutput(place, '.manifest'),
    pathOf: (ending) => besideOutput(place, `.merge${ending}`),
  };
}

function besideOutput({ output, isFolder }: ShardedOutput, suffix: string): string {
  return isFolder ? join(output, `headpool${suffix}`) : pathBeside(output, suffix);
}

/** As people write it: 3/16. */
export function formatShard({ number, count }: Shard): string {
  return `${number}/${count}`;
}
