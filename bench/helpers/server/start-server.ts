// The server of examples/server as a process, in a folder of its own as a reader would have it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { untilReady } from './until-ready.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

export interface OpenServer extends AsyncDisposable {
  readonly port: number;
}

export async function startServer(variables: Readonly<Record<string, string>>): Promise<OpenServer> {
  const folder = await copyExample();
  const child = spawn(process.execPath, ['main.js'], {
    cwd: folder,
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: string[] = [];
  createInterface(child.stdout).on('line', (line) => log.push(line));
  return {
    port: Number(new URL(await untilReady(child, log)).port),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

async function copyExample(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headpool-server-'));
  await cp(join(root, 'examples/server'), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules'),
  });
  const packages = join(folder, 'node_modules');
  await mkdir(packages);
  await symlink(root, join(packages, 'headpool'), 'junction');
  await symlink(join(root, 'node_modules/fastify'), join(packages, 'fastify'), 'junction');
  return folder;
}
