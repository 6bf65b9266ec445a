// The manifest of a run on disk: whether there is work to go on with, and each chunk as it is finished. One run at a
// time holds it.
import { unlink } from 'node:fs/promises';
import { HeadpoolError, describe, expected } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { acquireLock, type LockFile } from '../files/lock-file.js';
import { createRecordLog, openRecordLog, type JsonRecord, type RecordLog } from '../files/record-log.js';
import { firstDifference, type RunIdentity } from './identity.js';
import {
  manifestFormat,
  RunState,
  type ChunkRecord,
  type CompleteRecord,
  type FinishedTarget,
  type ManifestHead,
  type PortionRecord,
} from './manifest.js';
import type { RunRequest } from './request.js';

/** What to do about an earlier run of the same output: go on with it, forget it, or refuse if it isn't complete. */
export type EarlierRun = 'resume' | 'restart' | 'refuse';

export interface Journal {
  /** Whether records outlive the process. */
  readonly isDurable: boolean;
  /** Whether something was recorded that a later run can go on after. */
  readonly canResume: boolean;
  /** Where the run stands, by what was recorded. */
  readonly state: RunState;
  /** Resolves once the record has reached the disk; what it speaks of must have before. @throws FILE_FAILED */
  record(portions: readonly PortionRecord[], finished: readonly FinishedTarget[]): Promise<void>;
  /** @throws FILE_FAILED */
  complete(): Promise<void>;
  /** Ends; a run that recorded nothing leaves no manifest. @throws FILE_FAILED */
  close(): Promise<void>;
}

export interface JournalOptions {
  readonly identity: RunIdentity;
  readonly earlier: EarlierRun;
}

/**
 * A journal on disk if the request names a manifest, else one for this process alone.
 * @throws OUTPUT_IN_USE if another run is at the output; INVALID_OPTION if there is unfinished work and nothing says what
 * to do with it, or if it is the work of another run, naming the field that differs; INVALID_FILE if the manifest is
 * damaged
 */
export function openJournal(request: RunRequest, options: JournalOptions): Promise<Journal> {
  const { manifestPath } = request;
  return manifestPath === undefined
    ? openVolatileJournal(request)
    : openFileJournal(request, manifestPath, options);
}

async function openVolatileJournal(request: RunRequest): Promise<Journal> {
  const state = new RunState(request);
  const lock = request.lockPath === undefined ? undefined : await acquireLock(request.lockPath);
  return {
    isDurable: false,
    canResume: false,
    state,
    record: (portions, finished) => {
      state.addChunk({ portions, finished });
      return Promise.resolve();
    },
    complete: () => Promise.resolve(),
    close: async () => lock?.release(),
  };
}

async function openFileJournal(
  request: RunRequest,
  manifestPath: string,
  { identity, earlier }: JournalOptions,
): Promise<Journal> {
  const lock = await acquireLock(request.lockPath ?? `${manifestPath}.lock`);
  try {
    const head: ManifestHead = { format: manifestFormat, run: identity };
    const opened = earlier === 'restart' ? undefined : await openRecordLog(manifestPath);
    if (opened !== undefined) {
      const { log, records } = opened;
      if (earlier === 'resume') {
        const state = await closingOnError(log, () => replay(request, head, records, manifestPath));
        return new FileJournal(manifestPath, { state, log, lock });
      }
      await log.close();
      checkForgettable(records, manifestPath);
    }
    const log = await createRecordLog(manifestPath, head);
    return new FileJournal(manifestPath, { state: new RunState(request), log, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function closingOnError<T>(log: RecordLog, step: () => T): Promise<T> {
  try {
    return step();
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Where the run stands that wrote `records`. @throws INVALID_OPTION if it is another one, INVALID_FILE */
function replay(
  request: RunRequest,
  head: ManifestHead,
  records: readonly JsonRecord[],
  path: string,
): RunState {
  checkSame(records[0] as unknown as ManifestHead, head, path);
  const state = new RunState(request);
  for (const record of records.slice(1)) state.add(record, path);
  return state;
}

/** @throws INVALID_OPTION if something would be lost by beginning anew */
function checkForgettable(records: readonly JsonRecord[], path: string): void {
  if (records.length < 2 || records.at(-1)!.complete === true) return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${path}: an earlier run stopped after ${records.length - 1} chunks; \`--resume\` goes on with it, \`--restart\` forgets it`,
  );
}

function checkSame(before: ManifestHead, now: ManifestHead, path: string): void {
  if (before.format !== now.format) {
    throw expected('INVALID_OPTION', `a manifest of format ${now.format}`, path, before.format);
  }
  const difference = firstDifference(before.run, now.run);
  if (difference === undefined) return;
  const { field } = difference;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${path}: the run to resume had ${describe(difference.before)} for \`${field}\`, this one has ${describe(difference.now)}; \`--restart\` begins anew`,
  );
}

class FileJournal implements Journal {
  readonly isDurable = true;
  readonly state: RunState;
  readonly #path: string;
  readonly #log: RecordLog;
  readonly #lock: LockFile;

  constructor(path: string, { state, log, lock }: { state: RunState; log: RecordLog; lock: LockFile }) {
    this.#path = path;
    this.state = state;
    this.#log = log;
    this.#lock = lock;
  }

  get canResume(): boolean {
    return this.state.chunks > 0;
  }

  async record(portions: readonly PortionRecord[], finished: readonly FinishedTarget[]): Promise<void> {
    const record: ChunkRecord = { chunk: this.state.chunks, portions, finished };
    await this.#log.append({ ...record });
    this.state.addChunk(record);
  }

  async complete(): Promise<void> {
    const record: CompleteRecord = { complete: true };
    await this.#log.append({ ...record });
    this.state.isComplete = true;
  }

  async close(): Promise<void> {
    try {
      await this.#log.close();
      if (!this.canResume && !this.state.isComplete) {
        await attempt(this.#path, 'remove the manifest', () => unlink(this.#path));
      }
    } finally {
      await this.#lock.release();
    }
  }
}
