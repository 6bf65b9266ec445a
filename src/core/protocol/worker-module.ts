// What the module of a worker thread exports. Workers are known by its URL; the calling thread imports it too, to help.
import type { Device, KernelProbe } from './kernels.js';
import type { Job, WorkerStart } from './messages.js';

export interface WorkerModule {
  /** What kernels of a device this machine has; answering at all proves that workers can start. */
  probe(device: Device): KernelProbe[] | Promise<KernelProbe[]>;
  /** Serves jobs until the pool closes. */
  serve(start: WorkerStart): Promise<void>;
  /** Opens the calling thread's part in jobs; null where its kernel takes no units, or is another one here. */
  help?(start: HelpStart): HelpingThread | null;
}

/** What a thread needs that takes units beside the workers. */
export type HelpStart = Pick<
  WorkerStart,
  'index' | 'kernel' | 'instructionSet' | 'memory' | 'bells' | 'activity'
>;

export type HelpingThread = (job: Job) => UnitTaker;

/** A thread's part in one job. */
export interface UnitTaker {
  /** Takes units as long as there are some and `mayGoOn` allows another; it is told the time by the shared clock. */
  takeUnits(mayGoOn: (nowMs: number) => boolean, onComplete: () => void): Progress;
}

/** `waiting`: the rest of the phase is with others; `over`: nothing is left to take, or the job was stopped. */
export type Progress = 'went on' | 'waiting' | 'over';
