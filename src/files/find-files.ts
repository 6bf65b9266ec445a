// From the paths, folders and globs that a user names to the files behind them, in an order that depends on no locale
// and no file system.
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { expected } from '../core/errors.js';
import { attempt, systemCodeOf } from './attempt.js';
import { listFolder, type FolderContents, type LeftOut } from './list-folder.js';

/** Standard input. */
const dash = '-';

export interface FoundFile {
  /** As given, or below what was given; relative ones to the current folder. */
  readonly path: string;
  /** Below the folder that was given, or below the part of a glob that is no glob; its base name if it was given itself. */
  readonly name: string;
}

export interface FoundFiles {
  readonly files: readonly FoundFile[];
  /** What lies in the folders, or matches the globs, and is no file to take. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * The files behind `patterns`, in their order:
 * - what exists and is no folder, or `-`, as it is, whatever its extension;
 * - of a folder the files in it and in the folders in it, of a glob the files that match; those with one of `extensions`,
 *   sorted by UTF-16 code units. Links count as what they lead to. Names that begin with a dot are left out of folders,
 *   and of globs that don't spell the dot.
 *
 * A file that several patterns find is listed where it is found first.
 * @param extensions in lower case, with their dots; names are compared in lower case
 * @param output where outputs go: a folder of that path is left out of the folders and globs that hold it
 * @throws FILE_FAILED if a path or folder can't be opened; INVALID_OPTION if a folder or glob holds no such file, or a
 * file is named twice by its own path
 */
export async function findFiles(
  patterns: readonly string[],
  extensions: readonly string[],
  output?: string,
): Promise<FoundFiles> {
  const found = new Map<string, { file: FoundFile; isNamed: boolean }>();
  const leftOut = new Map<string, LeftOut>();
  const outputPath = output === undefined ? undefined : resolve(output);
  for (const pattern of patterns) {
    const stats = pattern === dash ? undefined : await findStats(pattern);
    const isNamed = pattern === dash || stats?.isDirectory() === false;
    const contents = isNamed
      ? { files: [{ path: pattern, name: basename(pattern) }], leftOut: [] }
      : await expand(pattern, { isFolder: stats !== undefined, extensions, output: outputPath });
    for (const file of contents.files) {
      const key = file.path === dash ? dash : resolve(file.path);
      const before = found.get(key);
      if (isNamed && before?.isNamed === true) {
        throw expected('INVALID_OPTION', 'each file once', 'input', file.path);
      }
      found.set(key, { file: before?.file ?? file, isNamed: isNamed || before?.isNamed === true });
    }
    for (const item of contents.leftOut) leftOut.set(resolve(item.path), item);
  }
  for (const path of found.keys()) leftOut.delete(path);
  return { files: [...found.values()].map(({ file }) => file), leftOut: [...leftOut.values()] };
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

interface Search {
  readonly isFolder: boolean;
  readonly extensions: readonly string[];
  readonly output: string | undefined;
}

async function expand(pattern: string, { isFolder, extensions, output }: Search): Promise<FoundFiles> {
  const slashed = toSlashes(pattern);
  const { paths, leftOut } = await attempt(pattern, isFolder ? 'list the folder' : 'expand', () =>
    isFolder ? listFolder(slashed, output) : expandGlob(slashed, output),
  );
  const base = isFolder ? slashed : await findBase(slashed);
  const hasEnding = (path: string): boolean => extensions.some((end) => path.toLowerCase().endsWith(end));
  const wanted = paths.filter(hasEnding).sort();
  if (wanted.length === 0) {
    throw expected('INVALID_OPTION', `at least one file of ${extensions.join(', ')}`, 'input', pattern);
  }
  const others = paths.filter((path) => !hasEnding(path));
  const all = [...leftOut, ...others.map((path): LeftOut => ({ path, reason: 'another ending' }))];
  return {
    files: wanted.map((path) => ({ path, name: nameBelow(base, path) })),
    leftOut: all.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

function nameBelow(base: string, path: string): string {
  const name = toSlashes(relative(base, path));
  return name === '' || name.startsWith('../') || isAbsolute(name) ? basename(path) : name;
}

/** Loaded where a path is none: most runs name their files. */
function loadGlobs() {
  return import('tinyglobby');
}

/** Matches come relative to the current folder; those of an absolute glob become absolute again. */
async function expandGlob(pattern: string, output: string | undefined): Promise<FolderContents> {
  const { glob } = await loadGlobs();
  const matches = await glob(pattern, { expandDirectories: false });
  const paths = isAbsolute(pattern) ? matches.map((path) => toSlashes(resolve(path))) : matches;
  const isWritten = (path: string): boolean => {
    return output !== undefined && resolve(path).startsWith(`${output}${sep}`);
  };
  return {
    paths: paths.filter((path) => !isWritten(path)),
    leftOut: paths.filter(isWritten).map((path) => ({ path, reason: 'the output folder' })),
  };
}

/** The longest folder of a glob that is no glob itself. */
async function findBase(pattern: string): Promise<string> {
  const { isDynamicPattern } = await loadGlobs();
  let base = dirname(pattern);
  while (isDynamicPattern(base)) base = dirname(base);
  return base;
}

/** Windows separates with backslashes too; elsewhere they escape, or are part of a name. */
function toSlashes(path: string): string {
  return process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
}
