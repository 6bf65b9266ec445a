// A queue as somebody sees it who has no headpool, but the server's password: adds whatever jobs, and looks at them.
import { createPostgresBackend, Queue, type BackendFactory, type RedisQueueBackend } from 'bullmq';
import type { Backend } from '../../helpers/queue-servers.js';

export interface QueueConnection {
  readonly url: string;
  readonly password: string;
  readonly queue: string;
}

export interface SeenJob {
  readonly state: string;
  readonly attempts: number;
  readonly reason: string;
}

export interface Jobs {
  add(name: string, data: object, id: string): Promise<unknown>;
  read(id: string): Promise<SeenJob>;
  close(): Promise<void>;
}

export async function openJobs(backend: Backend, connection: QueueConnection): Promise<Jobs> {
  const queue = openQueue[backend](connection);
  await queue.waitUntilReady();
  return {
    add: (name, data, jobId) => queue.add(name, data, { jobId, attempts: 5 }),
    read: async (id) => {
      const job = (await queue.getJob(id))!;
      return { state: await job.getState(), attempts: job.attemptsMade, reason: job.failedReason };
    },
    close: () => queue.close(),
  };
}

const openQueue: Readonly<Record<Backend, (connection: QueueConnection) => Queue>> = {
  redis: ({ url, password, queue }) => {
    const { hostname: host, port } = new URL(url);
    return new Queue(queue, { connection: { host, port: Number(port), password } });
  },
  postgres: ({ url, password, queue }) => {
    const { hostname: host, port, username: user, pathname } = new URL(url);
    const connection = { host, port: Number(port), user, password, database: pathname.slice(1) };
    // BullMQ's types know the options and the backend of Redis alone.
    const factory = createPostgresBackend as unknown as BackendFactory<RedisQueueBackend>;
    return new Queue(queue, { connection: connection }, factory);
  },
};
