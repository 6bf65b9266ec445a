// What tells two paths for the same file from two files: the file that is there, through links; and the place where one
// would appear, whatever names lead to its folder, and whether case matters there.
import { lstat, opendir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileKeyOf } from './open-file.js';

interface FolderIdentity {
  readonly key: string;
  /** Whether names that differ by case alone are one name. */
  readonly isFolding: boolean;
}

/** Looks at each folder once. */
export class PathIdentities {
  readonly #folders = new Map<string, Promise<FolderIdentity>>();

  /** Two paths that share a key are one file, or would become one. */
  async keysOf(path: string): Promise<string[]> {
    const full = resolve(path);
    const folder = await this.#folderOf(dirname(full));
    const file = await fileKeyOf(full);
    const name = nameIn(folder, basename(full));
    return file === undefined ? [name] : [name, file];
  }

  #folderOf(path: string): Promise<FolderIdentity> {
    const known = this.#folders.get(path) ?? this.#identify(path);
    this.#folders.set(path, known);
    return known;
  }

  async #identify(path: string): Promise<FolderIdentity> {
    const key = await fileKeyOf(path);
    if (key !== undefined) return { key, isFolding: await isFolding(path) };
    const parent = dirname(path);
    if (parent === path) return { key: path, isFolding: false };
    // A folder to be made is like the one that it will be in.
    const above = await this.#folderOf(parent);
    return { ...above, key: nameIn(above, basename(path)) };
  }
}

function nameIn({ key, isFolding }: FolderIdentity, name: string): string {
  return `${key}/${isFolding ? name.normalize('NFC').toLowerCase() : name}`;
}

// Most folders have such a name among their first.
const mostNames = 64;

/** Found out by a name that is there: of an entry, or else of the folder itself, which tells it where no mount is. */
async function isFolding(folder: string): Promise<boolean> {
  const name = await findCasedName(folder);
  return name === undefined
    ? swapCase(basename(folder)) !== basename(folder) &&
        (await isOneFile(folder, join(dirname(folder), swapCase(basename(folder)))))
    : isOneFile(join(folder, name), join(folder, swapCase(name)));
}

async function findCasedName(folder: string): Promise<string | undefined> {
  try {
    let count = 0;
    for await (const { name } of await opendir(folder)) {
      if (swapCase(name) !== name) return name;
      if (++count === mostNames) break;
    }
  } catch {
    // What can't be read, or is no folder, has no names for us.
  }
  return undefined;
}

async function isOneFile(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([a, b].map((path) => lstat(path, { bigint: true })));
    return one!.dev === other!.dev && one!.ino === other!.ino;
  } catch {
    return false;
  }
}

function swapCase(name: string): string {
  return Array.from(name, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  ).join('');
}
