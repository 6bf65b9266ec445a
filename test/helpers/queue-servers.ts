// A Redis or a PostgreSQL for a test alone: on loopback, with its data in a folder of its own. It ends with the test's
// process, however that ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { childrenOf, signalProcess } from './programs.js';
import {
  serverKinds,
  type Backend,
  type ServerKind,
  type ServerPlace,
  type ServerSettings,
} from './queue-server-kinds.js';

export type { Backend } from './queue-server-kinds.js';
export const backends = Object.keys(serverKinds) as readonly Backend[];

export interface QueueServerOptions extends ServerSettings {
  /** Where it listens; default: 127.0.0.1. */
  readonly address?: string;
  /** What runs the program, such as nsenter with its flags. */
  readonly under?: readonly string[];
}

/** Why tests can't have such a server here; undefined if they can. */
export function queueServerProblem(backend: Backend): string | undefined {
  return serverKinds[backend].problem;
}

/** A server that is gone with its data when the test ends. */
export async function openQueueServer(
  t: ExecutionContext,
  backend: Backend,
  options?: QueueServerOptions,
): Promise<QueueServer> {
  const server = await startQueueServer(backend, options);
  t.teardown(() => server.close());
  return server;
}

/** The same for who closes it. */
export async function startQueueServer(
  backend: Backend,
  { address = '127.0.0.1', under = [], ...settings }: QueueServerOptions = {},
): Promise<QueueServer> {
  const folder = await mkdtemp(join(tmpdir(), 'headpool-test-'));
  const place = { folder, address, port: await findPort() };
  const kind = serverKinds[backend];
  await kind.prepare(place, settings);
  const server = new QueueServer(kind, place, [...under, ...kind.commandOf(place, settings)]);
  await server.start();
  return server;
}

export class QueueServer implements AsyncDisposable {
  /** Without a password. */
  readonly url: string;
  readonly #kind: ServerKind;
  readonly #folder: string;
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;

  constructor(kind: ServerKind, place: ServerPlace, command: readonly string[]) {
    this.#kind = kind;
    this.#folder = place.folder;
    this.#command = command;
    this.url = kind.urlOf(place);
  }

  /** Where it was before, with the data of before. */
  async start(): Promise<void> {
    const [program, ...args] = this.#command as [string, ...string[]];
    const child = spawn(program, args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    running.set(child, this.#kind.ends.crash);
    child.once('close', () => running.delete(child));
    this.#child = child;
    await untilWritten(child, this.#kind.readyText);
  }

  /** Keeps its data. */
  async stop(how: 'orderly' | 'crash' = 'orderly'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || !running.has(child)) return;
    const closed = once(child, 'close');
    child.kill(this.#kind.ends[how]);
    await closed;
  }

  /** Stops all its processes where they are: connections stay open, and nothing answers. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    this.thaw();
    await this.stop('crash');
    await rm(this.#folder, { recursive: true, force: true });
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const child = this.#child;
    if (child === undefined || !running.has(child)) return;
    for (const pid of [child.pid!, ...childrenOf(child.pid!)]) signalProcess(pid, signal);
  }
}

/** Servers of this process, and what ends each at once. */
const running = new Map<ChildProcess, NodeJS.Signals>();
process.once('exit', () => {
  for (const [child, signal] of running) child.kill(signal);
});

const mostLog = 4000;
const startMs = 30_000;

/** @throws if it ends before, or takes too long, with the end of what it wrote */
async function untilWritten(child: ChildProcess, wanted: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const written = new Promise<void>((resolve, reject) => {
    let log = '';
    const fail = (): void => {
      reject(new Error(`The server did not start:\n${log}`));
    };
    timer = setTimeout(fail, startMs);
    const hear = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-mostLog);
      if (log.includes(wanted)) resolve();
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('error', reject);
    child.once('close', fail);
  });
  await written.finally(() => {
    clearTimeout(timer);
  });
}

const [firstPort, ports] = [20_000, 10_000];
/** Processes that test at once have pids that are near each other: ports that are far apart. */
const portsOfProcess = 32;
let nextPort = process.pid * portsOfProcess;

/**
 * A free port that no other process of tests tries meanwhile, below those that systems give to clients: one of theirs
 * could take it while the server is stopped.
 */
async function findPort(): Promise<number> {
  for (;;) {
    const port = firstPort + (nextPort++ % ports);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
