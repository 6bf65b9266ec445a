// Which shard a process is to compute: by what was said, or by what Slurm and Kubernetes put into its environment.
import { expected, HeadpoolError } from '../core/errors.js';
import type { Shard } from './shard.js';

export interface AskedNumbers {
  /** `3/16`, or `auto`: by the environment. */
  readonly shard?: string | undefined;
  /** How many there are, where the environment doesn't tell. */
  readonly shards?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Undefined if the run is to be one. A job array is looked at only where shards are asked for: people use arrays for
 * other things.
 * @throws INVALID_OPTION
 */
export function whichShard({ shard, shards }: AskedNumbers, environment: Environment): Shard | undefined {
  if (shard === undefined && shards === undefined) return undefined;
  const asked = shard === undefined || shard === 'auto' ? undefined : parseShard(shard);
  if (asked !== undefined && shards !== undefined && shards !== asked.count) {
    throw expected('INVALID_OPTION', `${asked.count}, as \`--shard ${shard!}\` says,`, 'shards', shards);
  }
  return asked ?? ofKubernetes(environment, shards) ?? ofSlurm(environment, shards) ?? throwUnknown();
}

/** @throws INVALID_OPTION unless it is one of 1/n … n/n */
export function parseShard(text: string): Shard {
  const [, number, count] = (/^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? []).map(Number);
  if (number !== undefined && number >= 1 && number <= count!) return { number, count: count! };
  throw expected('INVALID_OPTION', 'a shard from 1/16 to 16/16, say, or auto', 'shard', text);
}

/** Indices of an Indexed Job begin at 0. */
function ofKubernetes(environment: Environment, shards: number | undefined): Shard | undefined {
  const index = readInteger(environment, 'JOB_COMPLETION_INDEX');
  if (index === undefined) return undefined;
  if (shards === undefined) {
    throw new HeadpoolError(
      'INVALID_OPTION',
      'JOB_COMPLETION_INDEX needs `--shards`: how many completions there are',
    );
  }
  return within({ number: index + 1, count: shards }, `JOB_COMPLETION_INDEX ${index}`);
}

/**
 * Without `--shards` the array is all shards, whatever number it begins with and whatever its step. With it the number
 * of a task is that of its shard, so that an array of a few tasks, as `--array=3,7`, means these shards.
 */
function ofSlurm(environment: Environment, shards: number | undefined): Shard | undefined {
  const id = readInteger(environment, 'SLURM_ARRAY_TASK_ID');
  if (id === undefined) return undefined;
  if (shards !== undefined) return within({ number: id, count: shards }, `SLURM_ARRAY_TASK_ID ${id}`);
  const count = readInteger(environment, 'SLURM_ARRAY_TASK_COUNT') ?? 0;
  const least = readInteger(environment, 'SLURM_ARRAY_TASK_MIN') ?? 1;
  const most = readInteger(environment, 'SLURM_ARRAY_TASK_MAX') ?? least + count - 1;
  const step = count > 1 ? (most - least) / (count - 1) : 1;
  const number = (id - least) / step + 1;
  if (Number.isInteger(step) && step >= 1 && Number.isInteger(number)) {
    return within({ number, count }, `SLURM_ARRAY_TASK_ID ${id}`);
  }
  throw new HeadpoolError(
    'INVALID_OPTION',
    `An array of ${count} tasks from ${least} to ${most} doesn't tell how many shards there are: \`--shards\` does`,
  );
}

function within(shard: Shard, name: string): Shard {
  if (shard.number >= 1 && shard.number <= shard.count) return shard;
  throw expected('INVALID_OPTION', `a shard from 1 to ${shard.count}`, name, shard.number);
}

function readInteger(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw expected('INVALID_OPTION', 'an integer', name, text);
}

function throwUnknown(): never {
  throw new HeadpoolError(
    'INVALID_OPTION',
    'Nothing tells which shard this is: `--shard 3/16` does, and so do SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX',
  );
}
