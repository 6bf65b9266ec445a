// Which process holds a lock, and whether it is dead. That is known on its own host alone.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { HeadpoolError } from '../core/errors.js';
import { quoteName } from './field-name.js';
import { systemCodeOf } from './attempt.js';

/** A process, told apart from a later one with its number. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in ticks since the system did; null where the system doesn't say. */
  readonly started: number | null;
  /** Which start of the system that was; null where it doesn't say. */
  readonly boot: string | null;
}

export async function describeThisProcess(): Promise<Holder> {
  const started = (await readStatus(process.pid))?.started ?? null;
  return { pid: process.pid, host: hostname(), started, boot: await readBoot() };
}

/** The holder that a lock's content names; undefined if it is damaged. */
export function parseHolder(content: string): Holder | undefined {
  try {
    const { pid, host, started, boot } = JSON.parse(content) as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== 'number' || pid !== (pid | 0) || pid < 1 || typeof host !== 'string') return undefined;
    return {
      pid,
      host,
      started: typeof started === 'number' ? started : null,
      boot: typeof boot === 'string' ? boot : null,
    };
  } catch {
    return undefined;
  }
}

/**
 * Whether the process surely runs no more.
 * @param isOurs whether this module holds the lock, which decides where the system tells no start times
 */
export async function isDead({ pid, host, started, boot }: Holder, isOurs: boolean): Promise<boolean> {
  if (host !== hostname()) return false;
  const bootNow = await readBoot();
  if (boot !== null && bootNow !== null && boot !== bootNow) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return true; // EPERM: it lives and is another user's.
  }
  const status = await readStatus(pid);
  if (status?.isZombie === true) return true;
  if (status !== undefined && started !== null) return status.started !== started;
  return pid === process.pid && !isOurs;
}

/** For messages. */
export function nameHolder({ pid, host }: Pick<Holder, 'pid' | 'host'>): string {
  return `process ${pid} on ${quoteName(host)}`;
}

/**
 * The error of a lock that is not ours.
 * @param target where it stands; `path` is what messages begin with
 */
export function inUse(
  { path, target }: { path: string; target: string },
  holder: Holder | undefined,
): HeadpoolError {
  const who = holder === undefined ? 'one not named yet' : nameHolder(holder);
  const message = `${path}: another run is writing this output: ${who}`;
  const hint = `; if it runs no more, which can't be known here, ${target} may be removed by hand, or \`--take-over\` given`;
  return new HeadpoolError('OUTPUT_IN_USE', holder?.host === hostname() ? message : message + hint);
}

/** What Linux tells of a process; undefined on other systems and where it is kept from us. */
async function readStatus(pid: number): Promise<{ started: number; isZombie: boolean } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may hold blanks and parentheses; the third follows its last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { started: Number(fields[22 - 3]), isZombie: fields[0] === 'Z' };
  } catch {
    return undefined;
  }
}

async function readBoot(): Promise<string | null> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}
