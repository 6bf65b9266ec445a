// What coordinator and workers tell each other: how a worker is started, a job, and what is reported of it.
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../errors.js';
import type { Region } from '../tensor/region.js';
import type { KernelName } from './kernels.js';
import type { Work } from './work.js';

export interface Phase {
  /** Where in the job's block the table [unitCount, unitWords] of Int32 starts; longest units first. */
  readonly unitsAt: number;
  readonly unitCount: number;
  /** Where in the job's block the marks of its units start, a byte each. */
  readonly marksAt: number;
  /** Of all units together, by which jobs are put in order. */
  readonly flop: number;
  /** Where in the job's block its tables of entries lie; lengths count Float64. */
  readonly entries: readonly { readonly at: number; readonly length: number }[];
  readonly work: Work;
}

/** One job. All that is small lies in one block: every further buffer makes its message slower. */
export interface Job {
  readonly id: number;
  /** The control slots from the start, then what the offsets of this description point at. */
  readonly block: SharedArrayBuffer;
  /** Where two Float64 a phase start: when its first unit began and its last one ended, by `sharedClockMs`. */
  readonly clockAt: number;
  readonly phases: readonly Phase[];
  /** Those that may take part; a replaced worker takes part under the same index. */
  readonly workers: readonly number[];
  /** Where in the block a byte for each worker starts: 1 once it was called, and so is to be told of phases. */
  readonly calledAt: number;
  readonly priority: Priority;
  /** Whether it will be run again: a worker keeps it, and is called with its number from then on. */
  readonly isKept: boolean;
  /** Whether what it writes on a device stays there until it is released. */
  readonly isResident: boolean;
  /** Shared memory outside the arena that its message keeps alive in each thread that has it. */
  readonly looseBytes: number;
}

export const priorities = ['interactive', 'batch'] as const;
/** Interactive jobs go before those of batches, which get every few units all the same. @useDeclaredType */
export type Priority = (typeof priorities)[number];

export type MessageToWorker =
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'forget'; readonly job: number }
  | { readonly kind: 'release'; readonly regions: readonly Region[] }
  /** End as a crash would, for a thread that can't be ended from outside. */
  | { readonly kind: 'end' };

/** What a worker is started with; `port` carries jobs to it and reports from it. */
export interface WorkerStart {
  readonly index: number;
  readonly kernel: KernelName;
  /** The one that the probe told: what chooses it may have changed since. */
  readonly instructionSet: string;
  readonly memory: WebAssembly.Memory | undefined;
  /** Of all workers. */
  readonly bells: SharedArrayBuffer;
  readonly activity: SharedArrayBuffer;
  readonly mailbox: SharedArrayBuffer;
  /** Of the device that a worker owns. */
  readonly counters: SharedArrayBuffer;
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
      /** What kind of error it is, where it says so: messages carry nothing but the text of errors. */
      readonly code?: ErrorCode;
    };
