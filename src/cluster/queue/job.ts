// What a job of a queue carries: which shard of which run, or that its shards are merged. Nothing of it is executed, and
// whatever isn't exactly that is refused.
import { expected } from '../../core/errors.js';
import { isJsonObject } from '../../files/json-object.js';
import { mostShards } from '../cut-file.js';

/** Changes whenever a worker of before can't understand a job. */
const jobFormat = 1;

export const jobNames = ['shard', 'merge'] as const;
export type JobName = (typeof jobNames)[number];

/** A run as its jobs name it. */
export interface QueuedRun {
  /** What tells it from every other one: see `identifyRunFiles`. */
  readonly run: string;
  /** From the root that all machines share. */
  readonly output: string;
  readonly shards: number;
}

export interface JobData extends QueuedRun {
  readonly format: typeof jobFormat;
  /** From 1; absent of a merge. */
  readonly shard?: number;
  /** Somebody has cancelled the run: it is to end after its chunk. */
  readonly cancelled?: true;
}

export function jobOf({ run, output, shards }: QueuedRun, shard?: number): JobData {
  return { format: jobFormat, run, output, ...(shard !== undefined && { shard }), shards };
}

/** One a shard and run: a job that is added twice is one job. */
export function jobIdOf(run: string, shard?: number): string {
  return `${run}-${shard ?? 'merge'}`;
}

/** Undefined of a job that is none of ours. */
export function parseJobId(id: string): { readonly run: string; readonly shard?: number } | undefined {
  const [, run, shard] = /^([0-9a-f]{16})-(merge|[1-9]\d{0,5})$/.exec(id) ?? [];
  if (run === undefined) return undefined;
  return shard === 'merge' ? { run } : { run, shard: Number(shard) };
}

export function isRunId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

const fields = ['format', 'run', 'output', 'shard', 'shards', 'cancelled'];

/** @throws INVALID_OPTION naming what is wrong */
export function parseJob(name: string, data: unknown): JobData {
  if (!jobNames.some((known) => known === name))
    throw expected('INVALID_OPTION', jobNames.join(' or '), 'job', name);
  if (!isJsonObject(data)) throw expected('INVALID_OPTION', 'an object', 'job', data);
  const { format, run, output, shard, shards, cancelled } = data;
  const refuse = (what: string, field: string): never => {
    throw expected('INVALID_OPTION', `${what} in a job`, field, data[field]);
  };
  if (format !== jobFormat) refuse(`${jobFormat}`, 'format');
  const surplus = Object.keys(data).find((field) => !fields.includes(field));
  if (surplus !== undefined) refuse('nothing', surplus);
  if (typeof run !== 'string' || !isRunId(run)) refuse('16 hexadecimal digits', 'run');
  if (typeof output !== 'string' || output === '') refuse('a path', 'output');
  if (!isCount(shards, mostShards)) refuse(`an integer from 1 to ${mostShards}`, 'shards');
  if (name === 'merge' ? shard !== undefined : !isCount(shard, shards as number))
    refuse(name === 'merge' ? 'nothing' : `an integer from 1 to ${String(shards)}`, 'shard');
  if (cancelled !== undefined && cancelled !== true) refuse('true', 'cancelled');
  return data as unknown as JobData;
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}
