// All that lies below a folder: its files, in folders of any depth, and what is left out of them and why.
import { readdir, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { resolve } from 'node:path';

export type LeavingReason =
  'another ending' | 'hidden' | 'a link to a folder' | 'not a regular file' | 'the output folder';

/** What a search found and did not take. */
export interface LeftOut {
  readonly path: string;
  readonly reason: LeavingReason;
}

export interface FolderContents {
  readonly paths: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Links count as what they lead to, but those to folders are not followed: they may lead in a circle. Names that begin
 * with a dot are left out, and folders of such names with all that is in them.
 * @param output the absolute path of the folder that outputs go to: what an earlier run wrote is nothing to read
 * @throws the system's error if a folder can't be listed
 */
export async function listFolder(folder: string, output: string | undefined): Promise<FolderContents> {
  const paths: string[] = [];
  const leftOut: LeftOut[] = [];
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(prefix, { withFileTypes: true })) {
      const path = prefix + entry.name;
      const kind = entry.name.startsWith('.') ? 'hidden' : await kindOf(entry, path);
      if (kind === 'file') paths.push(path);
      else if (kind === 'folder' && resolve(path) === output)
        leftOut.push({ path, reason: 'the output folder' });
      else if (kind === 'folder') await walk(`${path}/`);
      else leftOut.push({ path, reason: kind });
    }
  };
  await walk(folder.replace(/\/*$/, '/'));
  return { paths, leftOut };
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | LeavingReason> {
  if (!entry.isSymbolicLink()) {
    return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'not a regular file';
  }
  const target = await stat(path).catch(() => undefined);
  if (target === undefined) return 'not a regular file';
  return target.isFile() ? 'file' : target.isDirectory() ? 'a link to a folder' : 'not a regular file';
}
