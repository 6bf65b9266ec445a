// What coordinator and workers tell each other: how a worker is started, a job, and what is reported of it.
import type { MessagePort } from 'node:worker_threads';
import type { KernelName } from './kernels.js';
import type { Work } from './work.js';

export interface Phase {
  /** Where in the job's block the table [unitCount, unitWords] of Int32 starts; longest units first. */
  readonly unitsAt: number;
  readonly unitCount: number;
  /** Where in the job's block its tables of entries start. */
  readonly entriesAt: readonly number[];
  readonly work: Work;
}

/** One job. All that is small lies in one block: every further buffer makes its message slower. */
export interface Job {
  readonly id: number;
  /** The control slots from the start, then what the offsets of this description point at. */
  readonly block: SharedArrayBuffer;
  /** Where one Float64 a phase starts: when its last unit was done, by `sharedClockMs`. */
  readonly clockAt: number;
  readonly phases: readonly Phase[];
}

/** What a worker is started with; `port` carries jobs to it and reports from it. */
export interface WorkerStart {
  readonly index: number;
  readonly kernel: KernelName;
  readonly memory: WebAssembly.Memory | undefined;
  readonly doorbell: SharedArrayBuffer;
  readonly mailbox: SharedArrayBuffer;
  /** How long to look for the next job before sleeping, in ms; 0 = not at all. */
  readonly spinMs: number;
  readonly port: MessagePort;
}

export type WorkerReport =
  | { readonly kind: 'ready'; readonly threadId: number }
  | {
      readonly kind: 'failed';
      readonly job: number;
      /** Where in the job; a kernel that has taken all of it may not know. */
      readonly place: { readonly phase?: number; readonly unit?: readonly number[] };
      readonly error: Error;
    };
