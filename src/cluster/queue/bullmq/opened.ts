// A queue that was opened to add jobs and to look at them.
import type { FlowProducer, Queue } from 'bullmq';

export interface Opened {
  readonly name: string;
  readonly queue: Queue;
  readonly flows: FlowProducer;
}

/** Questions that are open at once, where there is one for each shard. */
export const atOnce = 256;
