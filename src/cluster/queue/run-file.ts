// The settings of a queued run, which lie beside its output: a job names the run by a checksum of them and of the cut, so
// that a worker computes what was submitted, or nothing.
import { createHash, type Hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import { attempt } from '../../files/attempt.js';
import { isJsonObject, readJsonObject, type JsonObject } from '../../files/json-object.js';
import { openRegularFile } from '../../files/open-file.js';
import { inventDraftPath } from '../../files/path-beside.js';
import { placeOnce } from '../../files/place-once.js';
import { firstDifference } from '../../runs/first-difference.js';
import { cutPathOf, runPathOf, type ShardedOutput } from '../shard.js';

const runFormat = 1;

/** @throws INVALID_FILE; FILE_FAILED if there is none */
export async function readRunFile(place: ShardedOutput): Promise<JsonObject> {
  const path = runPathOf(place);
  const { format, settings } = await readJsonObject(path);
  if (format !== runFormat) throw invalidFile(path, `a run of format ${runFormat}`, 'format', format);
  if (!isJsonObject(settings)) throw invalidFile(path, 'an object', 'settings', settings);
  return settings;
}

/**
 * Puts the settings beside the output, unless they are there.
 * @throws INVALID_OPTION naming what differs from those that are there; FILE_FAILED
 */
export async function keepRunFile(place: ShardedOutput, settings: JsonObject): Promise<void> {
  const path = runPathOf(place);
  const draft = inventDraftPath(path);
  await attempt(path, 'create', async () => {
    await writeFile(draft, `${JSON.stringify({ format: runFormat, settings }, null, 2)}\n`);
    await placeOnce(draft, path);
  });
  const difference = firstDifference(await readRunFile(place), settings);
  if (difference === undefined) return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${path}: the run was submitted with other settings: ${difference.field} is ${JSON.stringify(difference.before)}, and now ${JSON.stringify(difference.now)}; \`headpool shards --remove\` forgets that run`,
  );
}

/** What tells a run from every other one: the settings, and the cut with all its inputs. @throws FILE_FAILED */
export async function identifyRunFiles(place: ShardedOutput): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [runPathOf(place), cutPathOf(place)]) await addTo(hash, path);
  return hash.digest('hex').slice(0, 16);
}

async function addTo(hash: Hash, path: string): Promise<void> {
  const { handle } = await openRegularFile(path);
  try {
    await attempt(path, 'read', async () => {
      for await (const bytes of handle.createReadStream({ autoClose: false })) hash.update(bytes as Buffer);
    });
  } finally {
    await handle.close();
  }
}
