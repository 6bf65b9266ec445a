// The cut of a run, made by whoever comes first: the others wait for it, and read it.
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadpoolError } from '../core/errors.js';
import type { FoundFile } from '../files/find-files.js';
import { acquireLock, type LockFile, type LockOptions } from '../files/lock-file.js';
import type { WorkIdentity } from '../runs/identity.js';
import { mayLackSome } from '../runs/outputs.js';
import type { RunPlanner } from '../runs/planner.js';
import type { RunRequest } from '../runs/request.js';
import { readCut, writeCut, type Cut, type ShardEngine } from './cut-file.js';
import { cutRun, type RunCut } from './cut-run.js';

export interface CutOptions {
  readonly shards: number;
  readonly planner: RunPlanner;
  readonly work: WorkIdentity;
  readonly engine: ShardEngine;
  readonly patterns: readonly string[];
  /** The inputs of the request, with the names that outputs in a folder mirror. */
  readonly files: readonly FoundFile[];
}

/** @throws as `cutRun` */
export async function makeCut(request: RunRequest, options: CutOptions): Promise<Cut> {
  return toStored(request, await cutRun(request, options.planner, options.shards), options);
}

/** A cut as it is stored. */
export function toStored(
  request: RunRequest,
  { shards: cut, forms }: RunCut,
  { shards, planner, work, engine, patterns, files }: CutOptions,
): Cut {
  const isFolder = request.folder !== undefined;
  const isWhole = forms.length === 1 && !mayLackSome(request);
  return {
    format: 1,
    shards,
    isFolder,
    patterns,
    engine,
    settings: work.settings,
    ...(!isFolder && { output: work.outputs[0]! }),
    outputDim: planner.outputDim,
    form: (isWhole ? forms[0] : undefined) ?? 'packed',
    inputs: request.inputs.length,
    parts: cut.map((inputs) => {
      return inputs.map(({ input, range }) => {
        return { input, ...files[input]!, ...work.inputs[input]!, ...(range && { range }) };
      });
    }),
  };
}

export interface Waiting extends LockOptions {
  /** Called once, with what says who makes it. */
  readonly onWait: (error: HeadpoolError) => void;
  readonly signal: AbortSignal;
  /** How long another may take, in milliseconds. */
  readonly mostMs?: number;
}

const pollMs = 250;
/** Many wait, and all look at one folder. */
const mostPollMs = 4000;
const usualMostMs = 30 * 60_000;

/**
 * The cut at `path`; where there is none, `make` makes it, in one process of all.
 * @throws OUTPUT_IN_USE if another process doesn't come to an end with it; the signal's reason; what `make` throws
 */
export async function obtainCut(path: string, make: () => Promise<Cut>, waiting: Waiting): Promise<Cut> {
  const endMs = performance.now() + (waiting.mostMs ?? usualMostMs);
  for (let tries = 0; ; tries++) {
    const found = await readCut(path);
    if (found !== undefined) return found;
    const lock = await tryLock(`${path}.lock`, waiting);
    if (lock instanceof HeadpoolError) {
      if (performance.now() > endMs) throw lock;
      if (tries === 0) waiting.onWait(lock);
      await sleep(Math.min(mostPollMs, pollMs * 1.3 ** tries), undefined, { signal: waiting.signal }).catch(
        () => {
          waiting.signal.throwIfAborted();
        },
      );
      continue;
    }
    try {
      // Who made it may have ended between the look and the lock. What is there in the end is the cut, whoever made it.
      if ((await readCut(path)) === undefined) await writeCut(path, await make());
    } finally {
      await lock.release();
    }
  }
}

async function tryLock(path: string, options: LockOptions): Promise<LockFile | HeadpoolError> {
  try {
    return await acquireLock(path, options);
  } catch (error) {
    if (error instanceof HeadpoolError && error.code === 'OUTPUT_IN_USE') return error;
    throw error;
  }
}
