// A file that appears under its name complete or not at all: written beside it, synced, renamed, the folder synced.
// Until `commit` nothing touches what the name may hold already.
import { lstat, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { expected, fileFailed } from '../core/errors.js';
import { attempt, unlessMissing } from './attempt.js';
import { openRegularFile, requireRegular } from './open-file.js';
import { inventDraftPath } from './path-beside.js';
import { dropPages } from './page-cache/page-cache.js';
import { writeFully } from './positional-io.js';

export interface AtomicFileOptions {
  /**
   * Where to write until `commit`, in the folder of the final name; what an interrupted run left there is kept and
   * written over. The default is a new file `.NAME.PID-RANDOM.tmp`.
   */
  readonly partialPath?: string | undefined;
}

/**
 * Starts a file that is to become `path`. A symbolic link at `path` will be replaced, not followed.
 * @throws FILE_FAILED if `path` is a folder, FIFO or device, or if its folder is missing or read-only;
 * INVALID_OPTION if `partialPath` lies in another folder
 */
export async function createAtomicFile(path: string, options: AtomicFileOptions = {}): Promise<AtomicFile> {
  const finalPath = resolve(path);
  const partialPath = resolve(options.partialPath ?? inventDraftPath(finalPath));
  if (dirname(partialPath) !== dirname(finalPath) || partialPath === finalPath) {
    throw expected('INVALID_OPTION', `a path beside ${finalPath}`, 'partialPath', partialPath);
  }
  await attempt(path, 'replace', async () => {
    const existing = await unlessMissing(stat(finalPath));
    if (existing !== undefined) requireRegular(existing);
  });
  return new AtomicFile(path, partialPath, await openPartial(path, partialPath));
}

/** `commit` or `discard` it; `close` keeps the partial file for a later run. */
export class AtomicFile {
  readonly path: string;
  readonly partialPath: string;
  /** Fixed at the start, lest the process changes its folder meanwhile. */
  readonly #finalPath: string;
  #handle: FileHandle | undefined;
  #hasName = false;

  constructor(path: string, partialPath: string, handle: FileHandle) {
    this.path = path;
    this.#finalPath = resolve(path);
    this.partialPath = partialPath;
    this.#handle = handle;
  }

  /** Writes all of `data`, shared memory or not, at byte `position`. @throws FILE_FAILED */
  async write(data: ArrayBufferView, position: number): Promise<void> {
    await writeFully(this.#use('write'), data, { path: this.path, position });
  }

  /** Frees the system's memory of bytes that have reached the disk. */
  dropPages(begin: number, byteLength: number): void {
    dropPages(this.#use('free memory of').fd, begin, byteLength);
  }

  /** Bytes that the partial file has now. @throws FILE_FAILED */
  async readLength(): Promise<number> {
    return attempt(this.path, 'look at', async () => (await this.#use('look at').stat()).size);
  }

  /** Cuts or extends the file to `byteLength`; what was never written reads as zeros. @throws FILE_FAILED */
  async setLength(byteLength: number): Promise<void> {
    await this.#attempt('set the length', (handle) => handle.truncate(byteLength));
  }

  /** Resolves once what was written has reached the disk. @throws FILE_FAILED */
  async sync(): Promise<void> {
    await this.#attempt('sync', (handle) => handle.sync());
  }

  /**
   * Resolves once the complete file stands under its name, safe from a loss of power. If it rejects, the partial file
   * is still there to `discard`, unless only the last step, syncing the folder, failed.
   * @throws FILE_FAILED naming the step
   */
  async commit(): Promise<void> {
    await this.sync();
    await this.close();
    await attempt(this.path, 'rename', () => rename(this.partialPath, this.#finalPath));
    this.#hasName = true;
    await attempt(this.path, 'sync the folder', () => syncFolder(dirname(this.#finalPath)));
  }

  /** Closes the file and leaves it, partial, at `partialPath`. @throws FILE_FAILED */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await attempt(this.path, 'close', async () => handle?.close());
  }

  /** Closes and removes the partial file; does nothing after `commit`. @throws FILE_FAILED */
  async discard(): Promise<void> {
    await this.close();
    await attempt(this.path, 'remove the partial file', () => unlessMissing(unlink(this.partialPath)));
  }

  /** Whether the file stands under its name, be it that only syncing the folder failed. */
  get hasName(): boolean {
    return this.#hasName;
  }

  #use(action: string): FileHandle {
    if (this.#handle === undefined) throw fileFailed(this.path, action, new Error('it is closed already'));
    return this.#handle;
  }

  async #attempt(action: string, step: (handle: FileHandle) => Promise<void>): Promise<void> {
    const handle = this.#use(action);
    await attempt(this.path, action, () => step(handle));
  }
}

async function openPartial(path: string, partialPath: string): Promise<FileHandle> {
  return attempt(path, 'create a file beside it', async () => {
    const existing = await unlessMissing(lstat(partialPath));
    // 'wx' fails on anything that appeared meanwhile, links included.
    if (existing === undefined) return open(partialPath, 'wx');
    requireRegular(existing);
    return (await openRegularFile(partialPath, 'r+')).handle;
  });
}

/** The rename itself must survive a loss of power; Windows can't open folders and needs no such step. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
