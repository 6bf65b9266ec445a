// A queue of runs that BullMQ keeps on a server, for the commands that add, look and take back.
import { HeadpoolError } from '../../../core/errors.js';
import type { QueueServer } from '../connection.js';
import type { RunQueue } from '../run-queue.js';
import { openBackend, shortPatienceMs } from './backend.js';
import { cancelRun } from './cancel-run.js';
import type { Opened } from './opened.js';
import { unavailableOf, waitForServer } from './probe.js';
import { readRuns } from './read-runs.js';
import { submitRun } from './submit-run.js';

/** @throws QUEUE_UNAVAILABLE after ten seconds; INVALID_OPTION if a package is missing */
export async function openRunQueue(name: string, server: QueueServer): Promise<RunQueue> {
  await waitForServer(server, { mostMs: shortPatienceMs });
  const { bullmq, options, factory } = await openBackend(server, 'short');
  const opened: Opened = {
    name,
    queue: new bullmq.Queue(name, options, factory),
    flows: new bullmq.FlowProducer(options, factory),
  };
  // Whoever waits for an answer is told; without a listener they would end the process.
  opened.queue.on('error', () => undefined);
  opened.flows.on('error', () => undefined);
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof HeadpoolError ? error : unavailableOf(server, error);
    }
  };
  return {
    submit: (run, isDone) => asking(() => submitRun(opened, run, isDone)),
    read: () => asking(() => readRuns(opened)),
    cancel: (run) => asking(() => cancelRun(opened, run)),
    close: async () => {
      await Promise.allSettled([opened.queue.close(), opened.flows.close()]);
    },
  };
}
