// What an attempt at a shard takes over of the ones before: a copy, since who wrote it may be asleep, and wake.
import { constants } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { attempt, unlessDamaged, unlessMissing } from '../files/attempt.js';
import { exists } from '../files/open-file.js';
import { removeFiles } from '../files/remove-files.js';
import { createRecordLog, readRecordLog } from '../files/record-log.js';
import { chunksOf } from '../runs/manifest.js';
import { pathsOf, type RunTarget } from '../runs/request.js';
import { partialPathOf } from '../runs/target.js';
import type { Attempt } from './attempt.js';

/** Where something was recorded of a shard: by an attempt, or without a draft by who held the shard's lock. */
type Earlier = Pick<Attempt, 'manifest'> & Pick<RunTarget, 'draft'>;

/**
 * Puts what was recorded of a shard where an attempt goes on with it.
 * @param targets of the shard's request
 * @throws FILE_FAILED
 */
export async function adoptEarlier(own: Attempt, targets: readonly RunTarget[]): Promise<void> {
  for (const earlier of earlierOf(own)) {
    // One that is damaged is passed over: another may not be.
    const records = await unlessDamaged(readRecordLog(earlier.manifest));
    if (records === undefined || records.length < 2) continue;
    // The records first: what they tell of is on the disk by then, whatever is written meanwhile.
    const isCopied = await Promise.all(targets.map((target) => copyPartial(target, earlier, own)));
    const [head, ...others] = records;
    // A worker that woke just now may have given its only file its name, which these records don't tell yet.
    const isFinished = chunksOf(others).some(({ finished }) => finished.length > 0);
    if (targets.length === 1 && !isCopied[0]! && !isFinished) continue;
    await (await createRecordLog(own.manifest, head!, others)).close();
    return;
  }
}

/** The latest first. */
function earlierOf({ earlier, work }: Attempt): Earlier[] {
  return [...earlier, { manifest: work.manifest }];
}

/** Whether there was all of it. */
async function copyPartial(target: RunTarget, earlier: Earlier, own: Attempt): Promise<boolean> {
  let isWhole = true;
  for (const path of pathsOf(target)) {
    const from = partialPathOf(path, earlier);
    const to = partialPathOf(path, own);
    const isThere = await attempt(to, 'copy', async () => {
      await unlessMissing(copyFile(from, to, constants.COPYFILE_FICLONE));
      if (!(await exists(to))) return false;
      await sync(to);
      return true;
    });
    isWhole &&= isThere;
  }
  return isWhole;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what attempts before have left, when the work is done. Their claims stay. @throws FILE_FAILED */
export async function removeEarlier(own: Attempt, targets: readonly RunTarget[]): Promise<void> {
  for (const earlier of own.earlier) {
    const partial = targets.flatMap(pathsOf).map((path) => partialPathOf(path, earlier));
    await removeFiles([...partial, earlier.manifest, earlier.lock]);
  }
}
