// A process that tries cases of one target: from the number `first` on, or files that were kept. It writes the case that
// it is at into a file, since it may die of it, and prints in the end what came of all as JSON.
import { openSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadpoolError } from '../../src/core/errors.js';
import { createCases } from './cases.js';
import type { FuzzTarget } from './target.js';
import { targets } from './targets.js';

/** What a case did that it should not have done. */
export interface Find {
  /** The number of the case, or the name of the file. */
  readonly at: number | string;
  readonly problem: string;
}

export interface Outcome {
  readonly taken: number;
  readonly refused: number;
  readonly finds: readonly Find[];
  /** CPU time of the slowest case. */
  readonly longestMs: number;
  /** MB by which the most demanding case grew the process. */
  readonly mostGrowth: number;
}

export interface ChildArgs {
  readonly target: string;
  readonly statusPath: string;
  readonly first: number;
  readonly count: number;
  /** A folder of kept files, instead of numbers. */
  readonly kept?: string | undefined;
}

const mostMs = 2000;
const leastMemory = 64 * 2 ** 20;

class Trial {
  readonly #target: FuzzTarget;
  readonly #folder: string;
  readonly #finds: Find[] = [];
  #taken = 0;
  #refused = 0;
  #longestMs = 0;
  #mostGrowth = 0;
  #warning: Error | undefined;

  constructor(target: FuzzTarget, folder: string) {
    this.#target = target;
    this.#folder = folder;
    process.on('warning', (warning) => (this.#warning = warning));
  }

  async run(at: Find['at'], bytes: Uint8Array): Promise<void> {
    const [cpu, memory] = [process.cpuUsage(), highWater()];
    let decoded = 0;
    let problem: string | undefined;
    try {
      decoded = await this.#target.take(bytes, this.#folder);
      this.#taken++;
    } catch (error) {
      this.#refused++;
      if (!(error instanceof HeadpoolError)) problem = `not an error of ours: ${textOf(error)}`;
    }
    await new Promise(setImmediate);
    if (this.#warning !== undefined) problem ??= `warns: ${this.#warning.message}`;
    this.#warning = undefined;
    const { user, system } = process.cpuUsage(cpu);
    const [ms, growth] = [(user + system) / 1000, highWater() - memory];
    if (ms > mostMs) problem ??= `${Math.round(ms)} ms of CPU time`;
    if (growth > leastMemory + 10 * Math.max(decoded, bytes.length))
      problem ??= `${Math.round(growth / 1e6)} MB`;
    if (problem !== undefined) this.#finds.push({ at, problem });
    this.#longestMs = Math.max(this.#longestMs, ms);
    this.#mostGrowth = Math.max(this.#mostGrowth, growth / 1e6);
  }

  get outcome(): Outcome {
    const [taken, refused, finds] = [this.#taken, this.#refused, this.#finds];
    return { taken, refused, finds, longestMs: this.#longestMs, mostGrowth: this.#mostGrowth };
  }
}

/** The most memory that the process ever had, in bytes. */
function highWater(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function textOf(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' | ')
    : String(error);
}

async function main({ target: name, statusPath, first, count, kept }: ChildArgs): Promise<void> {
  const target = targets.get(name)!;
  const folder = await mkdtemp(join(tmpdir(), 'headpool-fuzz-'));
  const status = openSync(statusPath, 'w');
  const trial = new Trial(target, folder);
  const tell = (at: Find['at']): void => {
    writeSync(status, String(at).padEnd(80), 0);
  };
  try {
    // What is loaded and compiled with the first case is not its own.
    for (const seed of await target.createSeeds()) await target.take(seed, folder).catch(() => undefined);
    if (kept === undefined) {
      const caseOf = await createCases(target);
      for (let number = first; number < first + count; number++) {
        tell(number);
        await trial.run(number, caseOf(number));
      }
    } else {
      for (const file of await readdir(kept)) {
        tell(file);
        await trial.run(file, await readFile(join(kept, file)));
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  writeSync(1, JSON.stringify(trial.outcome));
  process.exit(0); // An engine may be open.
}

await main(JSON.parse(process.argv[2]!) as ChildArgs);
