// What an earlier run of the same output has left, and what a run may do about it.
import { dirname, join } from 'node:path';
import type { JsonRecord } from '../files/record-log.js';
import type { RunIdentity, WorkIdentity } from './identity.js';
import { RunState } from './manifest.js';
import type { RecordedRequest, RunTarget } from './request.js';

/**
 * Go on with it, even where another version or kernel made what is there (mixed), forget it, or refuse unless it is
 * complete.
 */
export type EarlierChoice = 'resume' | 'mixed' | 'restart' | 'refuse';

/** Whether what the earlier run has done is to be kept. */
export function isResuming(choice: EarlierChoice): boolean {
  return choice === 'resume' || choice === 'mixed';
}

/** An earlier run as its manifest tells it. */
export interface EarlierRun {
  readonly run: RunIdentity;
  /** Its outputs, with paths like the request's. */
  readonly targets: readonly RunTarget[];
  readonly state: RunState;
}

/**
 * @param chunks all records after the head
 * @throws INVALID_FILE if they are none of such a run
 */
export function recallRun(
  { folder, targets: own }: Pick<RecordedRequest, 'folder' | 'targets'>,
  path: string,
  { run, chunks }: { readonly run: RunIdentity; readonly chunks: readonly JsonRecord[] },
): EarlierRun {
  const targets = targetsOf(run.outputs, { folder: dirname(path), draft: own[0]?.draft });
  const inputs = run.inputs.map(({ path: from, range }, input) => ({
    path: from,
    range,
    target: folder === undefined ? 0 : input,
  }));
  const state = new RunState({ inputs, targets });
  for (const record of chunks) state.add(record, path);
  return { run, targets, state };
}

/** Outputs as manifests name them, which lie in `folder`. */
export function targetsOf(
  outputs: WorkIdentity['outputs'],
  { folder, draft }: { readonly folder: string } & Pick<RunTarget, 'draft'>,
): RunTarget[] {
  const place = (below: string): string => join(folder, below);
  return outputs.map(({ path, format, statisticsPath }) => {
    const beside = statisticsPath === undefined ? {} : { statisticsPath: place(statisticsPath) };
    return { path: place(path), format, ...beside, ...(draft !== undefined && { draft }) };
  });
}
