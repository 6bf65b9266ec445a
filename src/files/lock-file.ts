// One writer at a time: a lock file that names the process holding it. A lock whose process is dead is taken over, so
// that nobody cleans up after a kill. Who is dead is known on this host alone; a lock of another one is taken over only where
// its caller says so, and when it gives no sign of life.
import { createHash, randomBytes } from 'node:crypto';
import { link, lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { HeadpoolError } from '../core/errors.js';
import { attempt, systemCodeOf, unlessMissing } from './attempt.js';
import { createOnce } from './create-once.js';
import { describeThisProcess, inUse, isDead, nameHolder, parseHolder, type Holder } from './lock-holder.js';
import { isAbandoned, keepRenewing } from './lock-renewal.js';
import { requireRegular } from './open-file.js';
import { pathBeside } from './path-beside.js';

/** A lock about to be placed. Its content is unique, and so tells whose file stands somewhere. */
interface Draft {
  /** For messages. */
  readonly path: string;
  readonly target: string;
  readonly draftPath: string;
  readonly content: string;
  readonly isTakingOver: boolean;
}

export interface LockOptions {
  /** Whether a lock of another host is taken over once it gives no sign of life for a minute and a half. Default false. */
  readonly isTakingOver?: boolean | undefined;
}

/** The contents of the locks that this module holds or is about to. */
const held = new Set<string>();

/** Anything longer is somebody's file and no lock, not even a damaged one. */
const longestLock = 4096;

/**
 * Creates the lock file `path`, or takes over the one that a dead process of this host left, damaged ones included
 * where the file system has hard links.
 * @throws OUTPUT_IN_USE naming the holder if it lives, or may live on another host; FILE_FAILED if `path` is a folder,
 * link, FIFO or device, or if its folder is missing or read-only
 */
export async function acquireLock(
  path: string,
  { isTakingOver = false }: LockOptions = {},
): Promise<LockFile> {
  const target = resolve(path);
  const token = randomBytes(6).toString('hex');
  const draftPath = pathBeside(target, `.${process.pid}-${token}.tmp`, '.');
  const content = `${JSON.stringify({ ...(await describeThisProcess()), token })}\n`;
  held.add(content);
  try {
    await attempt(path, 'create a lock file', async () => {
      await writeFile(draftPath, content, { flag: 'wx' });
      await place({ path, target, draftPath, content, isTakingOver });
    });
    return new LockFile(path, target, content);
  } catch (error) {
    held.delete(content);
    throw error;
  } finally {
    // A draft that can't be removed is in nobody's way.
    await rm(draftPath, { force: true }).catch(() => undefined);
  }
}

/** A lock that this process holds until `release`, or until it ends in any way. */
export class LockFile {
  readonly path: string;
  readonly #target: string;
  readonly #content: string;
  readonly #renewal: { stop(): void };
  #released: Promise<void> | undefined;

  constructor(path: string, target: string, content: string) {
    this.path = path;
    this.#target = target;
    this.#content = content;
    this.#renewal = keepRenewing(target, async () => (await readLock(target)) === content);
  }

  /** Removes the file if it is still this lock's own; a second call does nothing. @throws FILE_FAILED */
  release(): Promise<void> {
    this.#released ??= attempt(this.path, 'remove the lock file', () => this.#remove());
    return this.#released;
  }

  /**
   * To be called before what only the holder may do: a process that slept while another took over changes nothing then.
   * @throws OUTPUT_IN_USE if the lock is another's by now, or gone
   */
  async assertHeld(): Promise<void> {
    const found = await attempt(this.path, 'read the lock file', () => readLock(this.#target));
    if (found === this.#content) return;
    const holder = parseHolder(found ?? '');
    const who = holder === undefined ? '' : `: ${nameHolder(holder)}`;
    throw new HeadpoolError(
      'OUTPUT_IN_USE',
      `${this.path}: another run has taken over this output${found === undefined ? ', and ended' : who}`,
    );
  }

  async #remove(): Promise<void> {
    this.#renewal.stop();
    held.delete(this.#content);
    if ((await readLock(this.#target)) === this.#content) await rm(this.#target, { force: true });
  }
}

async function place(draft: Draft): Promise<void> {
  while (!(await create(draft))) {
    const found = await readLock(draft.target);
    // A network's file system may report a link that it made as failed.
    if (found === draft.content) return;
    if (found !== undefined && (await replaceDead(draft, found))) return;
  }
}

/** Whether nothing was there. A link appears with all its content, so that nobody reads half a lock. */
async function create({ draftPath, target, content }: Draft): Promise<boolean> {
  try {
    await link(draftPath, target);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
  }
  return createOnce(target, content); // For file systems without hard links.
}

/** Whether the file system has hard links. */
async function canLink({ draftPath }: Draft): Promise<boolean> {
  const probe = `${draftPath}.probe`;
  try {
    await link(draftPath, probe);
    return true;
  } catch {
    return false;
  } finally {
    await rm(probe, { force: true });
  }
}

/**
 * Puts a lock in place of the dead one with the content `found`, unless that has gone. Only who holds the claim named
 * after a dead lock may replace it, and contents never come back: once the claimant has seen the dead lock it stays
 * until its rename, which places the lock and ends the claim in one step. A claim is a lock itself, so that a process
 * that dies here is no obstacle either.
 */
async function replaceDead(draft: Draft, found: string): Promise<boolean> {
  const holder = parseHolder(found);
  // Where locks are not written whole at once, a damaged one may be under way.
  const isForeign = holder !== undefined && holder.host !== hostname();
  const isStale =
    (isForeign && draft.isTakingOver && (await isAbandoned(draft.target))) ||
    (await (holder === undefined ? canLink(draft) : isDead(holder, held.has(found))));
  if (!isStale) throw inUse(draft, holder);
  const hash = createHash('sha256').update(found).digest('hex').slice(0, 16);
  const claimPath = pathBeside(draft.target, `.${hash}.claim`, '.');
  await place({ ...draft, target: claimPath });
  try {
    if ((await readLock(draft.target)) !== found) return false;
    await rename(claimPath, draft.target);
    return true;
  } finally {
    // Gone after the rename, and another's if it exists again.
    if ((await readLock(claimPath)) === draft.content) await rm(claimPath, { force: true });
  }
}

/** Who holds the lock at `path`, since when, and whether that surely runs no more; undefined if nobody does. */
export async function findHolder(
  path: string,
): Promise<(Holder & { readonly since: Date; readonly isDead: boolean }) | undefined> {
  const stats = await unlessMissing(lstat(path));
  const holder = parseHolder((await readLock(path)) ?? '');
  if (stats === undefined || holder === undefined) return undefined;
  return { ...holder, since: stats.mtime, isDead: await isDead(holder, true) };
}

async function readLock(target: string): Promise<string | undefined> {
  const stats = await unlessMissing(lstat(target));
  if (stats === undefined) return undefined;
  requireRegular(stats);
  if (stats.size > longestLock) throw new Error(`it has ${stats.size} bytes and is no lock file`);
  return unlessMissing(readFile(target, 'utf8'));
}
