// The package as its users get it: packed, and installed in a folder of its own. Packed once a run of the tests, by whichever
// file asks first; nothing is fetched, since its dependencies are those that are installed here.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from './package-root.js';

export const execute = promisify(execFile);

/** The root of this package. */
export const root = fileURLToPath(packageRoot());

const prefix = 'headpool-packed-';

export interface Installed {
  /** The folder of a program that uses the package: it is in node_modules here, with its dependencies. */
  readonly program: string;
  /** The package in it. */
  readonly folder: string;
  readonly tarball: string;
}

export async function installPacked(): Promise<Installed> {
  const temporary = await realpath(tmpdir());
  // The processes of all test files have the same parent.
  const program = join(temporary, `${prefix}${process.ppid}`);
  if (!existsSync(program)) {
    await removeLeft(temporary);
    await install(temporary, program);
  }
  return {
    program,
    folder: join(program, 'node_modules/headpool'),
    tarball: join(program, 'headpool.tgz'),
  };
}

/** Puts a package that is installed here into a program's node_modules. */
export async function linkPackage(program: string, name: string): Promise<void> {
  const link = join(program, 'node_modules', name);
  await mkdir(dirname(link), { recursive: true });
  await symlink(join(root, 'node_modules', name), link, 'junction');
}

async function install(temporary: string, program: string): Promise<void> {
  const draft = await mkdtemp(join(temporary, prefix));
  const modules = join(draft, 'node_modules');
  await mkdir(modules);
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', draft];
  const { stdout } = await execute('npm', pack, { cwd: root, shell: process.platform === 'win32' });
  await rename(join(draft, stdout.trim()), join(draft, 'headpool.tgz'));
  await execute('tar', ['-xzf', join(draft, 'headpool.tgz'), '-C', modules]);
  await rename(join(modules, 'package'), join(modules, 'headpool'));
  const { dependencies } = JSON.parse(await readFile(join(modules, 'headpool/package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(dependencies)) await linkPackage(draft, name);
  try {
    await rename(draft, program);
  } catch (error) {
    // Another file was first.
    if (!existsSync(program)) throw error;
    await rm(draft, { recursive: true });
  }
}

/** Removes what runs have left that are over. */
async function removeLeft(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    const pid = new RegExp(`^${prefix}(\\d+)$`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(temporary, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
