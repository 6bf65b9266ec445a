// A run of many shards through a queue, by a crew of workers, to the end of its merge.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessMissing } from '../../../src/files/attempt.js';
import { exists } from '../../../src/files/open-file.js';
import { run, type Ended } from '../../helpers/command.js';
import { Crew } from './crew.js';
import type { Host } from './hosts.js';
import { ShardFiles } from './shard-files.js';
import type { Work } from './work.js';

export interface Setting {
  /** Of the output, in the root. */
  readonly folder: string;
  /** A worker each; undefined is this host. */
  readonly places: readonly (Host | undefined)[];
  /** What runs the commands beside the workers. */
  readonly under: readonly string[];
  readonly url: string;
  readonly password: string;
  readonly lockSeconds: number;
}

const pollMs = 50;
/** Some ten times what it takes. */
const mostMs = 6 * 60_000;

export class QueuedRun implements AsyncDisposable {
  readonly files: ShardFiles;
  readonly crew: Crew;
  readonly #over = new AbortController();
  /** Aborted when all is merged. */
  readonly over: AbortSignal = this.#over.signal;
  readonly #work: Work;
  readonly #setting: Setting;
  readonly #output: string;
  readonly #queue: readonly string[];
  readonly #env: Readonly<Record<string, string>>;

  constructor(work: Work, setting: Setting) {
    const { folder, url, password, lockSeconds } = setting;
    this.#work = work;
    this.#setting = setting;
    this.#output = join(folder, 'y.safetensors');
    this.#queue = ['--queue', 'rounds', '--connection', url];
    this.#env = { HEADPOOL_QUEUE_PASSWORD: password };
    this.files = new ShardFiles(this.#path, work.shards);
    const args = ['work', ...this.#queue, '--threads', '1', '--lock-seconds', String(lockSeconds)];
    this.crew = new Crew({ args, folder: work.root, env: this.#env });
  }

  get #path(): string {
    return join(this.#work.root, this.#output);
  }

  /** Computes all of it, with what disturbs it. Resolves to the seconds that it took. */
  async play(disturb: () => Promise<void>): Promise<number> {
    const { flags, shards } = this.#work;
    const fromMs = performance.now();
    await mkdir(dirname(this.#path));
    await this.#command('submit', ...this.#queue, ...flags, '-o', this.#output, '--shards', String(shards));
    await this.crew.start(this.#setting.places);
    const merged = this.#untilMerged(fromMs + mostMs);
    const disturbed = disturb();
    await Promise.race([merged, disturbed.then(() => merged)]);
    this.#over.abort();
    await disturbed;
    return (performance.now() - fromMs) / 1000;
  }

  /** Has the workers end. Resolves to what is wrong then, a line each. */
  async findProblems(): Promise<string[]> {
    const { expected, shards } = this.#work;
    const problems: string[] = [];
    const bytes = await unlessMissing(readFile(this.#path));
    if (bytes === undefined) problems.push(`Nothing was merged within ${mostMs / 1000} s`);
    else if (!bytes.equals(expected)) problems.push(describeDifference(bytes, expected));
    const { stdout } = await this.#command('shards', '-o', this.#output, '--json');
    const { states } = JSON.parse(stdout) as { readonly states: Readonly<Record<string, number>> };
    if (states.done !== shards) problems.push(`Not all shards are done: ${JSON.stringify(states)}`);
    for (const { code, signal, stderr } of [...this.crew.lost, ...(await this.crew.end())]) {
      // As after SIGTERM.
      if (code !== 143) problems.push(`A worker ended with ${signal ?? code}: ${stderr.trim()}`);
    }
    return problems;
  }

  async #untilMerged(endMs: number): Promise<void> {
    while (performance.now() < endMs && !(await exists(this.#path))) await sleep(pollMs);
  }

  async #command(...args: readonly string[]): Promise<Ended> {
    const { under } = this.#setting;
    const ended = await run(this.#work.root, args, { env: this.#env, under });
    if (ended.code !== 0) throw new Error(`headpool ${args[0]}: ${ended.stderr}`);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crew.kill();
    await rm(dirname(this.#path), { recursive: true, force: true });
  }
}

function describeDifference(bytes: Buffer, expected: Buffer): string {
  const at = bytes.findIndex((byte, n) => byte !== expected[n]);
  return `The merged bytes are not those of one plain run from byte ${at} of ${expected.length} on`;
}
