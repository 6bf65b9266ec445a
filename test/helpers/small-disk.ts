// A disk of a few kilobytes for one run, and a larger one for the run after it: a tmpfs in a namespace of its own, which
// needs no privileges where the system grants user namespaces. What was on it is copied to where a test can look.
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { makeFolder } from './make-folder.js';
import { testSeriallyUnless } from './skips.js';
import { type Ended, cli, finish } from './command.js';

const namespace = ['unshare', '--map-root-user', '--mount'];

/** Why no small disk can be had here; undefined if it can. */
function findProblem(): string | undefined {
  const mount = [...namespace.slice(1), 'mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', '/mnt'];
  const { error, status } = spawnSync(namespace[0]!, mount);
  if (error !== undefined) return 'there is no unshare';
  return status === 0 ? undefined : 'user namespaces are refused';
}

/** A serial test that needs a disk of its own; where there can be none it counts as skipped, and says why. */
export const testOnSmallDisk = testSeriallyUnless(findProblem());

/** tmpfs counts in pages. */
export const pageBytes = 4096;

/** $1 is the folder for everything, $2 the options of the mount, the rest the command. */
const script = `
base=$1; options=$2; shift 2
mount -t tmpfs -o "$options" tmpfs "$base/disk" && cd "$base/disk" || exit 99
"$@" > "$base/stdout1" 2> "$base/stderr1"; echo $? > "$base/code1"
cp -a . "$base/first"
mount -o remount,rw,size=64m . || exit 99
"$@" --resume > "$base/stdout2" 2> "$base/stderr2"; echo $? > "$base/code2"
cp -a . "$base/second"
`;

export interface OnDisk extends Ended {
  /** A copy of the disk as the run left it. */
  readonly where: string;
}

/** Runs `headpool` on a disk mounted with `options`, then again on a larger one with `--resume`; `under` runs both. */
export async function runOnSmallDisk(
  t: ExecutionContext,
  options: string,
  args: readonly string[],
  under: readonly string[] = [],
): Promise<{ readonly first: OnDisk; readonly second: OnDisk }> {
  const base = await makeFolder(t);
  await mkdir(join(base, 'disk'));
  const command = ['sh', '-c', script, 'sh', base, options, ...under, process.execPath, cli, ...args];
  const shell = await finish(
    spawn(namespace[0]!, [...namespace.slice(1), ...command], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  t.is(shell.code, 0, shell.stderr);
  const read = async (name: string): Promise<string> => readFile(join(base, name), 'utf8');
  const collect = async (n: 1 | 2): Promise<OnDisk> => {
    const [stdout, stderr, code] = await Promise.all([
      read(`stdout${n}`),
      read(`stderr${n}`),
      read(`code${n}`),
    ]);
    return {
      stdout,
      stderr,
      code: Number(code),
      signal: null,
      where: join(base, n === 1 ? 'first' : 'second'),
    };
  };
  return { first: await collect(1), second: await collect(2) };
}
