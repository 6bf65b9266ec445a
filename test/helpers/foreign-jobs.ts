// Jobs that somebody else puts into a queue: of any form, past all that `headpool submit` looks at.
import { createPostgresBackend, Queue } from 'bullmq';

interface ForeignJob {
  readonly name: string;
  readonly data: unknown;
  readonly id: string;
}

/** What such a queue is opened as; the types of BullMQ mean Redis where they aren't told. */
function open(url: string, name: string): Queue {
  const { hostname: host, port, password } = new URL(url);
  if (url.startsWith('redis'))
    return new Queue(name, {
      connection: { host, port: Number(port), ...(password !== '' && { password }) },
    });
  const connection = { connectionString: url, migrate: true };
  return new Queue(name, { connection }, createPostgresBackend) as unknown as Queue;
}

export async function addForeign(url: string, name: string, jobs: readonly ForeignJob[]): Promise<void> {
  const queue = open(url, name);
  for (const { name: title, data, id } of jobs) await queue.add(title, data, { jobId: id, attempts: 5 });
  await queue.close();
}

/** All that the queue holds of its jobs, as text. */
export async function dumpJobs(url: string, name: string): Promise<string> {
  const queue = open(url, name);
  const jobs = await queue.getJobs([
    'waiting',
    'active',
    'delayed',
    'failed',
    'completed',
    'waiting-children',
  ]);
  const text = JSON.stringify(jobs.map((job) => job.asJSON()));
  await queue.close();
  return text;
}
