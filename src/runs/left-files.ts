// Whether the files of an output are there as a manifest tells of them. What has its name is looked at, what is partial
// is read: a run that goes on would hand it on as its own.
import { rm, stat } from 'node:fs/promises';
import { invalidFile, type HeadpoolError } from '../core/errors.js';
import { attempt, unlessDamaged } from '../files/attempt.js';
import { exists } from '../files/open-file.js';
import type { RunState } from './manifest.js';
import { pathsOf, type RunTarget } from './request.js';
import { partialPathOf } from './target.js';
import { checkParts, endOf, writtenFilesOf, type WrittenFile } from './written-files.js';

/**
 * What is wrong with what a target should have left: its files if it was finished, be it that they have no names yet,
 * else as much of its partial files as was recorded.
 * @throws FILE_FAILED if a partial file can't be read
 */
export async function findMissing(
  target: RunTarget,
  number: number,
  state: RunState,
): Promise<HeadpoolError | undefined> {
  const isFinished = state.isFinished(number);
  for (const file of writtenFilesOf(target, number, state)) {
    if (isFinished && (await exists(file.path))) continue;
    const isPartial = !isFinished || (await exists(partialPathOf(file.path, target)));
    if (!isPartial) return invalidFile(file.path, 'the output that was finished', 'path', undefined);
    const problem = await findDamage(file, partialPathOf(file.path, target));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What is wrong with a partial file. */
async function findDamage({ parts }: WrittenFile, partialPath: string): Promise<HeadpoolError | undefined> {
  if (parts.length === 0) return undefined;
  const size = await stat(partialPath).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size < endOf(parts)) return invalidFile(partialPath, `at least ${endOf(parts)}`, 'bytes', size);
  let damage: HeadpoolError | undefined;
  await unlessDamaged(checkParts(partialPath, parts), (error) => (damage = error));
  return damage;
}

/** @throws FILE_FAILED */
export async function removePartial(target: RunTarget): Promise<void> {
  for (const path of pathsOf(target)) {
    await attempt(path, 'remove the partial file', () => rm(partialPathOf(path, target), { force: true }));
  }
}
