// Whether a run may go on with what an earlier one has done: the same settings, the same content of files, the same maker.
import { HeadpoolError, describe } from '../core/errors.js';
import { checksumOf, formatChecksum } from '../files/file-checksum.js';
import { firstDifference, type Difference } from './first-difference.js';
import type { FileIdentity, Maker, RunSettings } from './identity.js';

const beginAnew = '`--restart` begins anew';

/** Field of a setting that is a file. */
const fileSettings = ['embedding', 'key', 'value'] as const;

/**
 * @param path of the manifest
 * @param wayOut what a message ends with
 * @throws INVALID_OPTION naming the setting that differs, and what it was
 */
export async function checkSettings(
  path: string,
  before: RunSettings,
  now: RunSettings,
  wayOut = beginAnew,
): Promise<void> {
  let known = before;
  for (const name of fileSettings) {
    const [old, current] = [before[name], now[name]];
    if (old === undefined || current === undefined) continue;
    const difference = await differenceOf(old, current, name);
    if (difference !== undefined) throw differentRun(path, difference, wayOut);
    // Times and paths may differ where the content doesn't.
    known = { ...known, [name]: { ...old, ...current, ...('tensors' in old && { tensors: old.tensors }) } };
  }
  const difference = firstDifference(known, now);
  if (difference !== undefined) throw differentRun(path, difference, wayOut);
}

/**
 * How the content of a file differs from what it was; its time alone is no difference, and neither is its path.
 * @param before with a checksum, if it is known
 */
export async function differenceOf(
  before: FileIdentity,
  now: FileIdentity,
  field = '',
): Promise<Difference | undefined> {
  if (before.bytes !== now.bytes) return { field: `${field}.bytes`, before: before.bytes, now: now.bytes };
  if (before.modified === now.modified && before.path === now.path) return undefined;
  if (before.checksum === undefined) {
    if (before.modified === now.modified)
      return { field: `${field}.path`, before: before.path, now: now.path };
    // It was large, and not read to its end.
    return { field: `${field}.modified`, before: dateOf(before), now: dateOf(now) };
  }
  const checksum = now.checksum ?? (await checksumOf(now.path));
  if (checksum === before.checksum) return undefined;
  return {
    field: `${field}.checksum`,
    before: formatChecksum(before.checksum),
    now: formatChecksum(checksum),
  };
}

function dateOf({ modified }: FileIdentity): string {
  return new Date(Number(BigInt(modified) / 1_000_000n)).toISOString();
}

/** In what an output's maker differs from this run's. */
export function makerDifference(before: Maker, { version, kernel }: Maker): Difference | undefined {
  return firstDifference({ version: before.version, kernel: before.kernel }, { version, kernel });
}

/** @param wayOut what may be done about it */
export function differentRun(
  path: string,
  { field, before, now }: Difference,
  wayOut = beginAnew,
): HeadpoolError {
  const what = `the run to resume had ${describe(before)} for \`${field}\`, this one has ${describe(now)}`;
  return new HeadpoolError('INVALID_OPTION', `${path}: ${what}; ${wayOut}`);
}
