// The worker processes of a round: each at a place of its own, where another is started when it is killed.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, type Ended, type StartOptions } from '../../helpers/command.js';
import { childrenOf, signalProcess, tiedToParent } from '../../helpers/programs.js';
import type { Host } from './hosts.js';

/** A process as those on its host see it. */
export interface Process {
  readonly host: string;
  readonly pid: number;
}

export interface Worker {
  readonly process: Process;
  readonly host: Host | undefined;
  readonly finished: Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
}

export interface Job {
  /** Of the command. */
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: NonNullable<StartOptions['env']>;
}

/** Far more than a chunk takes. */
const mostEndMs = 30_000;

export class Crew {
  readonly #job: Job;
  readonly #workers: Worker[] = [];
  /** Who ended before it was told to. */
  readonly lost: Ended[] = [];

  constructor(job: Job) {
    this.#job = job;
  }

  /** One at each place; undefined is this host. */
  async start(places: readonly (Host | undefined)[]): Promise<void> {
    for (const host of places) await this.#add(host);
  }

  get workers(): readonly Worker[] {
    return this.#workers;
  }

  /** Kills one, and starts another in its place. */
  async replace(worker: Worker): Promise<void> {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    worker.signal('SIGKILL');
    await worker.finished;
    await this.#add(worker.host);
  }

  /** Tells all to end, and kills who doesn't. Resolves to how they did. */
  async end(): Promise<Ended[]> {
    const workers = this.#workers.splice(0);
    for (const worker of workers) worker.signal('SIGTERM');
    const timer = setTimeout(() => {
      for (const worker of workers) worker.signal('SIGKILL');
    }, mostEndMs);
    const ended = await Promise.all(workers.map(({ finished }) => finished));
    clearTimeout(timer);
    return ended;
  }

  async kill(): Promise<void> {
    const workers = this.#workers.splice(0);
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all(workers.map(({ finished }) => finished));
  }

  async #add(host: Host | undefined): Promise<void> {
    const worker = await startWorker(host, this.#job);
    this.#workers.push(worker);
    void worker.finished.then((ended) => {
      const index = this.#workers.indexOf(worker);
      if (index < 0) return;
      this.#workers.splice(index, 1);
      this.lost.push(ended);
    });
  }
}

async function startWorker(host: Host | undefined, { args, folder, env }: Job): Promise<Worker> {
  const under = host === undefined ? tiedToParent('SIGKILL') : [...host.under, 'env', '-C', folder];
  const { child, finished } = start(folder, args, { under, env });
  const pid = host === undefined ? child.pid! : await untilChild(child.pid!);
  let hasEnded = false;
  void finished.then(() => (hasEnded = true));
  return {
    process: { host: host?.name ?? hostname(), pid: insidePid(pid) },
    host,
    finished,
    signal: (signal) => {
      if (hasEnded) return;
      signalProcess(pid, signal);
      // nsenter stops with what it runs, and doesn't go on with it.
      if (signal !== 'SIGSTOP') child.kill('SIGCONT');
    },
  };
}

async function untilChild(pid: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const [child] = childrenOf(pid);
    if (child !== undefined) return child;
    await sleep(10);
  }
  throw new Error(`Process ${pid} started nothing`);
}

/** The number that a process has where it runs. */
function insidePid(pid: number): number {
  const [, numbers] = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(numbers!.split(/\s+/).at(-1));
}
