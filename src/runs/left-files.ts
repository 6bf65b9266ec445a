// Whether the files of an output are there as a manifest tells of them. They are looked at, not read.
import { rm, stat } from 'node:fs/promises';
import { invalidFile, type HeadpoolError } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import type { WrittenPart } from '../files/byte-sink.js';
import { exists } from '../files/open-file.js';
import type { RunState } from './manifest.js';
import { pathsOf, type RunTarget } from './request.js';
import { partialPathOf } from './target.js';

/**
 * What is wrong with what a target should have left: its files if it was finished, be it that they have no names yet,
 * else as much of its partial files as was recorded.
 */
export async function findMissing(
  target: RunTarget,
  number: number,
  state: RunState,
): Promise<HeadpoolError | undefined> {
  return state.isFinished(number) ? findMissingOutput(target) : findShortPartial(target, number, state);
}

async function findMissingOutput(target: RunTarget): Promise<HeadpoolError | undefined> {
  for (const path of pathsOf(target)) {
    if ((await exists(path)) || (await exists(partialPathOf(path)))) continue;
    return invalidFile(path, 'the output that was finished', 'path', undefined);
  }
  return undefined;
}

async function findShortPartial(
  { path, statisticsPath }: RunTarget,
  number: number,
  state: RunState,
): Promise<HeadpoolError | undefined> {
  const last = state.partsOf(number).at(-1)?.parts;
  const files: readonly (readonly [string | undefined, WrittenPart | undefined])[] = [
    [path, last?.rows],
    [statisticsPath, last?.statistics],
  ];
  for (const [name, part] of files) {
    if (name === undefined || part === undefined) continue;
    const wanted = part.begin + part.byteLength;
    const partialPath = partialPathOf(name);
    const found = await stat(partialPath).then(
      ({ size }) => size,
      () => 0,
    );
    if (found < wanted) return invalidFile(partialPath, `at least ${wanted}`, 'bytes', found);
  }
  return undefined;
}

/** @throws FILE_FAILED */
export async function removePartial(target: RunTarget): Promise<void> {
  for (const path of pathsOf(target)) {
    await attempt(path, 'remove the partial file', () => rm(partialPathOf(path), { force: true }));
  }
}
