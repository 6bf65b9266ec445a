// What writing a file would fail by, found before there is anything to write: its folder is made, and takes files, and
// nothing but a file is in its place.
import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createAtomicFile } from './atomic-file.js';
import { attempt, unlessMissing } from './attempt.js';
import { requireRegular } from './open-file.js';

/** Makes the folders of these files where there are none. @throws FILE_FAILED if one of the files can't be written */
export async function prepareOutputs(paths: readonly string[]): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    const folder = dirname(resolve(path));
    if (folders.has(folder)) {
      await checkReplaceable(path);
      continue;
    }
    await makeFolder(dirname(path));
    // Whoever may not write is told by the attempt alone: modes say little to root, and of networks' file systems.
    await (await createAtomicFile(path)).discard();
    folders.add(folder);
  }
}

/** Says the same of what can be said without writing. @throws FILE_FAILED */
export async function foreseeOutputs(paths: readonly string[]): Promise<void> {
  for (const folder of new Set(paths.map((path) => dirname(resolve(path))))) {
    await attempt(folder, 'create a file in it', () => checkPlace(folder));
  }
  for (const path of paths) await checkReplaceable(path);
}

/** @throws FILE_FAILED */
export async function makeFolder(path: string): Promise<void> {
  await attempt(path, 'create the folder', () => mkdir(path, { recursive: true }));
}

/** @throws FILE_FAILED */
export async function checkReplaceable(path: string): Promise<void> {
  await attempt(path, 'replace', async () => {
    const existing = await unlessMissing(stat(path));
    if (existing !== undefined) requireRegular(existing);
  });
}

/** Of a folder, or of the nearest one above it that is there. */
async function checkPlace(folder: string): Promise<void> {
  const existing = await unlessMissing(stat(folder));
  if (existing === undefined && dirname(folder) !== folder) {
    await checkPlace(dirname(folder));
    return;
  }
  if (existing?.isDirectory() === false) throw new Error(`${folder} is no folder`);
  await access(folder, constants.W_OK | constants.X_OK);
}
