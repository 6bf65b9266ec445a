// The server of examples/server: copied to a folder of its own, started as a process, spoken to over loopback.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { untilReady } from '../../bench/helpers/server/until-ready.js';
import { makeReadersFolder } from './documents.js';
import { packageRoot } from './package-root.js';

export type Variables = Readonly<Record<string, string>>;

export interface ExampleServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has logged, a line each. */
  readonly log: readonly string[];
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
  get(path: string): Promise<Response>;
  post(path: string, body?: Uint8Array | object, headers?: Variables): Promise<Response>;
}

export const safetensorsType = 'application/vnd.safetensors';

/** The width and the heads of the layer that servers of tests have, unless they are told otherwise. */
export const served = { modelDim: 64, heads: 4, seed: 1 } as const;

const root = fileURLToPath(packageRoot());

/** A copy of the example with its packages installed. */
export async function copyServer(t: ExecutionContext): Promise<string> {
  const folder = await makeReadersFolder(t, 'examples/server');
  await cp(join(root, 'examples/server'), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules'),
  });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  for (const name of ['fastify', '@types']) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }
  return folder;
}

/** Starts a copy on a port of its own; it is killed when the test ends. */
export async function startServer(t: ExecutionContext, variables: Variables = {}): Promise<ExampleServer> {
  const folder = await copyServer(t);
  const { modelDim, heads } = served;
  const child = spawn(process.execPath, ['main.js'], {
    cwd: folder,
    env: {
      ...process.env,
      PORT: '0',
      MODEL_DIM: String(modelDim),
      HEADS: String(heads),
      THREADS: '2',
      CALL_TIMEOUT_MS: '100000',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const log: string[] = [];
  const ended = once(child, 'close').then(([code]) => code as number | null);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => log.push(line));
  }
  const url = await untilReady(child, log);
  return {
    url,
    child,
    log,
    ended,
    get: (path) => fetch(url + path),
    post: (path, body, headers = {}) => {
      const isBinary = body instanceof Uint8Array;
      return fetch(url + path, {
        method: 'POST',
        headers: body === undefined ? headers : { ...typeOf(isBinary), ...headers },
        ...(body !== undefined && {
          body: isBinary ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
        }),
      });
    },
  };
}

function typeOf(isBinary: boolean): Variables {
  return { 'content-type': isBinary ? safetensorsType : 'application/json' };
}

/** A connection to write requests to by hand; `answer` is all that came back when it has ended. */
export function connectTo({ url }: ExampleServer) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => undefined); // The server may end it while more is being written.
  const answer = once(socket, 'close').then(() => Buffer.concat(pieces).toString('latin1'));
  return { socket, answer };
}
