// Reads the outputs of a run again and compares them with the checksums of their manifest.
import { stat } from 'node:fs/promises';
import { invalidFile } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import type { RunState } from './manifest.js';
import type { RunRequest } from './request.js';
import { checkParts, endOf, writtenFilesOf } from './written-files.js';

export interface VerifiedOutputs {
  readonly files: number;
  readonly bytes: number;
}

/**
 * @throws INVALID_FILE naming the file and where it differs; FILE_FAILED
 */
export async function verifyOutputs({ targets }: RunRequest, state: RunState): Promise<VerifiedOutputs> {
  let [files, bytes] = [0, 0];
  for (const [number, target] of targets.entries()) {
    if (state.finishOf(number) === undefined) continue;
    for (const { path, parts } of writtenFilesOf(target, number, state)) {
      const { size } = await attempt(path, 'open', () => stat(path));
      if (size !== endOf(parts)) throw invalidFile(path, String(endOf(parts)), 'bytes', size);
      await checkParts(path, parts);
      files++;
      bytes += size;
    }
  }
  return { files, bytes };
}
