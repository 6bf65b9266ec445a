// The manifest of a run on disk: whether there is work to go on with, and each chunk as it is finished. One run at a
// time holds it.
import { unlink } from 'node:fs/promises';
import { HeadpoolError } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { acquireLock, type LockFile, type LockOptions } from '../files/lock-file.js';
import {
  createRecordLog,
  openRecordLog,
  readRecordLog,
  type JsonRecord,
  type RecordLog,
} from '../files/record-log.js';
import { isResuming, type EarlierChoice } from './earlier-run.js';
import type { RunIdentity } from './identity.js';
import { removePartial } from './left-files.js';
import {
  manifestFormat,
  RunState,
  type ChunkRecord,
  type CompleteRecord,
  type FinishedTarget,
  type ManifestHead,
  type PortionRecord,
} from './manifest.js';
import type { RecordedRequest } from './request.js';
import { listFiles, surveyRun, type Survey, type SurveyedFile } from './survey.js';

export interface Journal {
  /** Whether records outlive the process. */
  readonly isDurable: boolean;
  /** Whether something was recorded that a later run can go on after. */
  readonly canResume: boolean;
  /** Where the run stands, by what was recorded. */
  readonly state: RunState;
  /** What was found of an earlier run when this one began. */
  readonly files: readonly SurveyedFile[];
  /** What the manifest says of the run, and of the maker of each output. */
  readonly run: RunIdentity;
  /** To be called before an output gets its name. @throws OUTPUT_IN_USE if others have gone on with the run */
  assertHeld(): Promise<void>;
  /** Resolves once the record has reached the disk; what it speaks of must have before. @throws FILE_FAILED */
  record(portions: readonly PortionRecord[], finished: readonly FinishedTarget[]): Promise<void>;
  /** @throws FILE_FAILED */
  complete(): Promise<void>;
  /** Ends; a run that recorded nothing leaves no manifest. @throws FILE_FAILED */
  close(): Promise<void>;
}

export interface JournalOptions extends LockOptions {
  readonly identity: RunIdentity;
  readonly earlier: EarlierChoice;
  /** Throws once others have gone on with the run where they don't take its lock. */
  readonly assertLatest?: (() => Promise<void>) | undefined;
}

/**
 * A journal on disk if the request names a manifest, else one for this process alone.
 * @throws OUTPUT_IN_USE if another run is at the output; INVALID_OPTION if there is unfinished work and nothing says what
 * to do with it, or if it is the work of another run, naming the field that differs; INVALID_FILE if the manifest is
 * damaged
 */
export function openJournal(request: RecordedRequest, options: JournalOptions): Promise<Journal> {
  const { manifestPath } = request;
  return manifestPath === undefined
    ? openVolatileJournal(request, options)
    : openFileJournal(request, manifestPath, options);
}

async function openVolatileJournal(
  request: RecordedRequest,
  { identity: run, isTakingOver }: JournalOptions,
): Promise<Journal> {
  const state = new RunState(request);
  const lock =
    request.lockPath === undefined ? undefined : await acquireLock(request.lockPath, { isTakingOver });
  return {
    isDurable: false,
    canResume: false,
    state,
    files: listFiles(request, () => 'new'),
    run,
    assertHeld: () => Promise.resolve(),
    record: (portions, finished) => {
      state.addChunk({ portions, finished });
      return Promise.resolve();
    },
    complete: () => Promise.resolve(),
    close: async () => lock?.release(),
  };
}

async function openFileJournal(
  request: RecordedRequest,
  path: string,
  options: JournalOptions,
): Promise<Journal> {
  const { isTakingOver, assertLatest } = options;
  const lock = await acquireLock(request.lockPath ?? `${path}.lock`, { isTakingOver });
  try {
    const opened = options.earlier === 'restart' ? undefined : await openRecordLog(path);
    if (opened !== undefined && isResuming(options.earlier)) {
      const resumed = await resumeLog(request, path, { ...opened, options });
      return new FileJournal(path, { lock, assertLatest, ...resumed });
    }
    if (opened !== undefined) {
      await opened.log.close();
      checkForgettable(opened.records, path);
    }
    const { identity: run } = options;
    const log = await createRecordLog(path, headOf(run));
    return new FileJournal(path, {
      lock,
      assertLatest,
      log,
      run,
      state: new RunState(request),
      files: listFiles(request, () => 'new'),
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface OpenedLog {
  readonly log: RecordLog;
  readonly records: readonly JsonRecord[];
  readonly options: JournalOptions;
}

type Resumed = Pick<Journal, 'state' | 'files' | 'run'> & { readonly log: RecordLog };

/** Goes on with a log, or with a new one in its place that says what of it still holds. */
async function resumeLog(
  request: RecordedRequest,
  path: string,
  { log, records, options }: OpenedLog,
): Promise<Resumed> {
  let survey: Survey;
  try {
    survey = await surveyRun(request, records, { path, ...options, isMixed: options.earlier === 'mixed' });
  } catch (error) {
    await log.close();
    throw error;
  }
  const { files, run, isSame } = survey;
  const state = new RunState(request);
  if (isSame) {
    for (const record of records.slice(1)) state.add(record, path);
    return { log, state, files, run };
  }
  await log.close();
  // First: a process that ends here leaves the old manifest, by which the next one comes to the same.
  for (const target of survey.leftovers) await removePartial(target);
  for (const record of survey.records) state.addChunk(record);
  return { log: await createRecordLog(path, headOf(run), survey.records), state, files, run };
}

function headOf(run: RunIdentity): ManifestHead {
  return { format: manifestFormat, run };
}

/** @throws INVALID_OPTION if the manifest is that of a run that isn't complete; as `readRecordLog` */
export async function refuseForgetting(path: string): Promise<void> {
  const records = await readRecordLog(path);
  if (records !== undefined) checkForgettable(records, path);
}

/** @throws INVALID_OPTION if something would be lost by beginning anew */
function checkForgettable(records: readonly JsonRecord[], path: string): void {
  if (records.length < 2 || records.at(-1)!.complete === true) return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${path}: an earlier run stopped after ${records.length - 1} chunks; \`--resume\` goes on with it, \`--restart\` forgets it`,
  );
}

interface Holding extends Pick<JournalOptions, 'assertLatest'> {
  readonly lock: LockFile;
}

class FileJournal implements Journal {
  readonly isDurable = true;
  readonly state: RunState;
  readonly files: readonly SurveyedFile[];
  readonly run: RunIdentity;
  readonly #path: string;
  readonly #log: RecordLog;
  readonly #holding: Holding;
  /** Whether another process goes on with what is here. */
  #isLost = false;

  constructor(path: string, { state, files, run, log, ...holding }: Resumed & Holding) {
    this.#path = path;
    this.state = state;
    this.files = files;
    this.run = run;
    this.#log = log;
    this.#holding = holding;
  }

  get canResume(): boolean {
    return this.state.chunks > 0 || this.#isLost;
  }

  async record(portions: readonly PortionRecord[], finished: readonly FinishedTarget[]): Promise<void> {
    const record: ChunkRecord = { chunk: this.state.chunks, portions, finished };
    await this.assertHeld();
    await this.#log.append({ ...record });
    this.state.addChunk(record);
  }

  async complete(): Promise<void> {
    await this.assertHeld();
    const record: CompleteRecord = { complete: true };
    await this.#log.append({ ...record });
    this.state.isComplete = true;
  }

  async assertHeld(): Promise<void> {
    try {
      await this.#holding.assertLatest?.();
      await this.#holding.lock.assertHeld();
    } catch (error) {
      this.#isLost = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await this.#log.close();
      if (!this.canResume && !this.state.isComplete) {
        await attempt(this.#path, 'remove the manifest', () => unlink(this.#path));
      }
    } finally {
      await this.#holding.lock.release();
    }
  }
}
