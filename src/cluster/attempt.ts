// Attempts at a shard or a merge. A queue gives work to somebody else when its worker gives no sign of life, and can't know
// whether that worker is dead or asleep. So each attempt has a number of its own, and files of its own; only the latest may
// record, and give names. (Fencing tokens: Martin Kleppmann, "How to do distributed locking", 2016.)
import { readFile, rename } from 'node:fs/promises';
import { HeadpoolError } from '../core/errors.js';
import { attempt, unlessMissing } from '../files/attempt.js';
import { createOnce } from '../files/create-once.js';
import { describeThisProcess, nameHolder, parseHolder } from '../files/lock-holder.js';
import { exists } from '../files/open-file.js';
import type { QueuedWork } from './shard.js';

export class Attempt {
  readonly work: QueuedWork;
  /** From 1; each attempt has a higher one than those before. */
  readonly number: number;
  /** What tells its files from those of other attempts. */
  readonly draft: string;
  /** Says whose attempt it is; stays, so that the number is nobody else's. */
  readonly claim: string;
  readonly manifest: string;
  readonly lock: string;

  constructor(work: QueuedWork, number: number) {
    this.work = work;
    this.number = number;
    this.draft = `.attempt-${number}`;
    this.claim = work.pathOf(this.draft);
    this.manifest = work.pathOf(`${this.draft}.manifest`);
    this.lock = work.pathOf(`${this.draft}.lock`);
  }

  /** Those before, the latest first. */
  get earlier(): Attempt[] {
    return Array.from({ length: this.number - 1 }, (_, n) => new Attempt(this.work, this.number - 1 - n));
  }

  /** @throws OUTPUT_IN_USE if another attempt has begun since */
  async assertLatest(): Promise<void> {
    const { claim } = new Attempt(this.work, this.number + 1);
    const content = await attempt(claim, 'read', () => unlessMissing(readFile(claim, 'utf8')));
    if (content === undefined) return;
    const holder = parseHolder(content);
    const who = holder === undefined ? 'another process' : nameHolder(holder);
    throw new HeadpoolError('OUTPUT_IN_USE', `${this.work.name} was begun again by ${who}`);
  }

  /** Makes what it has done what is done. @throws OUTPUT_IN_USE, FILE_FAILED */
  async publish(): Promise<void> {
    await this.assertLatest();
    await attempt(this.work.manifest, 'rename', () => rename(this.manifest, this.work.manifest));
  }
}

/** Begins another attempt: those before can record nothing more. @throws FILE_FAILED */
export async function claimAttempt(work: QueuedWork): Promise<Attempt> {
  const content = `${JSON.stringify(await describeThisProcess())}\n`;
  for (let number = 1; ; number++) {
    const claimed = new Attempt(work, number);
    if (await attempt(claimed.claim, 'create', () => createOnce(claimed.claim, content))) return claimed;
  }
}

/** All attempts, the latest first. */
export async function findAttempts(work: QueuedWork): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (let number = 1; ; number++) {
    const found = new Attempt(work, number);
    if (!(await exists(found.claim))) return attempts.reverse();
    attempts.push(found);
  }
}
