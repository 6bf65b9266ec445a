// From the paths, folders and globs that a user names to the files behind them, in an order that depends on no locale
// and no file system.
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { expected } from '../core/errors.js';
import { attempt, systemCodeOf } from './attempt.js';

/** Standard input. */
const dash = '-';

/**
 * The files behind `patterns`, in their order:
 * - what exists and is no folder, or `-`, as it is, whatever its extension;
 * - of a folder the files directly in it, of a glob the files that match; those with one of `extensions`, sorted by
 *   UTF-16 code units. Links count as what they lead to. Names that begin with a dot are left out of folders, and of
 *   globs that don't spell the dot.
 *
 * A file that several patterns find is listed where it is found first.
 * @param extensions in lower case, with their dots; names are compared in lower case
 * @returns paths as given, or below what was given, relative ones to the current folder
 * @throws FILE_FAILED if a path or folder can't be opened; INVALID_OPTION if a folder or glob holds no such file, or a
 * file is named twice by its own path
 */
export async function findFiles(
  patterns: readonly string[],
  extensions: readonly string[],
): Promise<string[]> {
  const found = new Map<string, { path: string; isNamed: boolean }>();
  for (const pattern of patterns) {
    const stats = pattern === dash ? undefined : await findStats(pattern);
    const isNamed = pattern === dash || stats?.isDirectory() === false;
    for (const path of isNamed ? [pattern] : await expand(pattern, stats !== undefined, extensions)) {
      const key = pattern === dash ? dash : resolve(path);
      const before = found.get(key);
      if (isNamed && before?.isNamed === true) {
        throw expected('INVALID_OPTION', 'each file once', 'input', path);
      }
      found.set(key, { path: before?.path ?? path, isNamed: isNamed || before?.isNamed === true });
    }
  }
  return [...found.values()].map(({ path }) => path);
}

/** Undefined if there is no such thing, but `path` may be a glob. */
async function findStats(path: string): Promise<Stats | undefined> {
  return attempt(path, 'open', async () => {
    try {
      return await stat(path);
    } catch (error) {
      if (!isNowhere(error)) throw error;
      const { isDynamicPattern } = await loadGlobs();
      if (isDynamicPattern(toSlashes(path))) return undefined;
      throw error;
    }
  });
}

/** Whether no file can have the path, rather than that it is kept from us. */
function isNowhere(error: unknown): boolean {
  const codes: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'];
  return codes.includes(systemCodeOf(error));
}

async function expand(pattern: string, isFolder: boolean, extensions: readonly string[]): Promise<string[]> {
  const paths = await attempt(pattern, isFolder ? 'list the folder' : 'expand', () =>
    isFolder ? listFolder(pattern) : expandGlob(toSlashes(pattern)),
  );
  const wanted = paths.filter((path) => extensions.some((end) => path.toLowerCase().endsWith(end))).sort();
  if (wanted.length > 0) return wanted;
  throw expected('INVALID_OPTION', `at least one file of ${extensions.join(', ')}`, 'input', pattern);
}

async function listFolder(folder: string): Promise<string[]> {
  const prefix = toSlashes(folder).replace(/\/*$/, '/');
  const entries = await readdir(folder, { withFileTypes: true });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const paths = await Promise.all(
    visible.map(async (entry) => {
      const path = prefix + entry.name;
      return entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(path))) ? [path] : [];
    }),
  );
  return paths.flat();
}

async function leadsToFile(link: string): Promise<boolean> {
  return stat(link).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

/** Loaded where a path is none: most runs name their files. */
function loadGlobs() {
  return import('tinyglobby');
}

/** Matches come relative to the current folder; those of an absolute glob become absolute again. */
async function expandGlob(pattern: string): Promise<string[]> {
  const { glob } = await loadGlobs();
  const paths = await glob(pattern, { expandDirectories: false });
  return isAbsolute(pattern) ? paths.map((path) => toSlashes(resolve(path))) : paths;
}

/** Windows separates with backslashes too; elsewhere they escape, or are part of a name. */
function toSlashes(path: string): string {
  return process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
}
