// Queues of a real server inside the test's own process: jobs are taken and settled, and nothing is computed.
import type { ExecutionContext } from 'ava';
import { parseServer, type QueueServer as ServerPlace } from '../../src/cluster/queue/connection.js';
import { openJobSource } from '../../src/cluster/queue/bullmq/job-source.js';
import { openRunQueue } from '../../src/cluster/queue/bullmq/open-queue.js';
import type { QueuedRun } from '../../src/cluster/queue/job.js';
import type { JobSource, QueuedRunState, RunQueue, TakenJob } from '../../src/cluster/queue/run-queue.js';

const nobody = { user: undefined, password: undefined };

export function placeOfServer(url: string, password?: string): ServerPlace {
  return parseServer(url, { ...nobody, password });
}

export interface Bench {
  readonly name: string;
  readonly queue: RunQueue;
  /** A worker of its own. */
  readonly source: (lockMs?: number) => Promise<WorkBench>;
  /** What the queue says of the only run. */
  readonly state: () => Promise<QueuedRunState>;
}

export interface WorkBench {
  readonly source: JobSource;
  readonly notes: readonly string[];
  readonly stop: AbortController;
  /** The next job, however long it takes. */
  readonly take: () => Promise<TakenJob>;
}

let queues = 0;

export async function openBench(t: ExecutionContext, url: string): Promise<Bench> {
  const server = placeOfServer(url);
  const name = `q${queues++}`;
  const queue = await openRunQueue(name, server);
  t.teardown(() => queue.close());
  return {
    name,
    queue,
    source: async (lockMs = 30_000) => {
      const notes: string[] = [];
      const stop = new AbortController();
      const source = await openJobSource(name, server, {
        ...{ lockMs, signal: stop.signal },
        onNote: (text) => notes.push(text),
      });
      t.teardown(() => source.close());
      return { source, notes, stop, take: () => takeNext(source, stop.signal) };
    },
    state: async () => {
      const runs = await queue.read();
      t.is(runs.length, 1);
      return runs[0]!;
    },
  };
}

const mostMs = 60_000;

async function takeNext(source: JobSource, signal: AbortSignal): Promise<TakenJob> {
  const endMs = performance.now() + mostMs;
  while (performance.now() < endMs) {
    const job = await source.take(signal);
    if (job !== undefined) return job;
  }
  throw new Error('There was no job');
}

/** A run of so many shards, told from others by its first digit. */
export function runOf(shards: number, digit = 1): QueuedRun {
  return { run: digit.toString(16).padEnd(16, '0'), output: `y${digit}.safetensors`, shards };
}

export const result = { sequences: 2, tokens: 10 };

export function nameOf({ name, data }: TakenJob): string {
  return name === 'merge' ? name : `${name} ${(data as { readonly shard: number }).shard}`;
}

/** Does jobs until the merge is done; gives their names. */
export async function doAll({ take }: WorkBench): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const job = await take();
    names.push(nameOf(job));
    await job.complete(result);
    if (job.name === 'merge') return names;
  }
}

export async function untilTrue(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + mostMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error('It took too long');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
