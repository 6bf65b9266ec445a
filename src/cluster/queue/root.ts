// The folder that all machines of a queue see, under whatever name. What a job names must lie in it, by its path and by
// where links lead.
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { expected, HeadpoolError } from '../../core/errors.js';
import { attempt, systemCodeOf } from '../../files/attempt.js';

export class Root {
  /** Without links. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws INVALID_OPTION if it is no folder; FILE_FAILED */
  static async open(path: string): Promise<Root> {
    const stats = await attempt(path, 'open the root', () => stat(path));
    if (!stats.isDirectory()) throw expected('INVALID_OPTION', 'a folder', 'root', path);
    return new Root(await realpath(path));
  }

  /** A path as it is written down for other machines: from the root, with slashes. @throws INVALID_OPTION if it leads out */
  async relativeOf(path: string, name: string): Promise<string> {
    const inside = relative(this.path, await this.#withRealFolders(path));
    if (isOutside(inside)) throw this.#refusal(path, name);
    await this.requireInside(inside, name);
    if (inside === '') return '.';
    // That it is a folder is said by the slash where it isn't there yet.
    return inside.split(sep).join('/') + (/[\\/]$/.test(path) ? '/' : '');
  }

  /**
   * Whether a path that was written down may be opened.
   * @throws INVALID_OPTION unless it starts from the root and stays in it, wherever links lead
   */
  async requireInside(path: string, name: string): Promise<void> {
    if (isAbsolute(path) || isOutside(path) || isOutside(relative(this.path, await this.#realPathOf(path))))
      throw this.#refusal(path, name);
  }

  /** The root may be known under another name, as behind a link. */
  async #withRealFolders(path: string): Promise<string> {
    const full = resolve(this.path, path);
    if (!isOutside(relative(this.path, full))) return full;
    return join(await this.#realPathOf(dirname(full)), basename(full));
  }

  /** Where it leads, or would lead if it were there. */
  async #realPathOf(path: string): Promise<string> {
    const full = resolve(this.path, path);
    try {
      return await realpath(full);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT' && systemCodeOf(error) !== 'ENOTDIR') throw error;
    }
    // A link to nothing may lead out all the same.
    if (await isThere(full)) throw new HeadpoolError('INVALID_OPTION', `${path}: a link to what isn't there`);
    return join(await this.#realPathOf(dirname(full)), basename(full));
  }

  #refusal(path: string, name: string): HeadpoolError {
    return expected('INVALID_OPTION', `a path in the root ${this.path}`, name, path);
  }
}

/** By its letters alone. Globs have alternatives in braces. */
function isOutside(path: string): boolean {
  return isAbsolute(path) || path.split(/[\\/{},|()]/).includes('..');
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
