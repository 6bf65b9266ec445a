// What lies beside the output of a round: which attempts there were, by whom, and what they recorded.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unlessMissing } from '../../../src/files/attempt.js';
import { exists } from '../../../src/files/open-file.js';
import { parseHolder } from '../../../src/files/lock-holder.js';
import type { Claim } from './record.js';

export interface Recorded {
  /** Of the attempt; undefined if its records have gone. */
  readonly lines: number | undefined;
  /** What the shard has come to; undefined while it isn't done. */
  readonly done: string | undefined;
}

export class ShardFiles {
  readonly #folder: string;
  readonly #output: string;
  readonly #shards: number;

  constructor(output: string, shards: number) {
    this.#folder = dirname(output);
    this.#output = basename(output);
    this.#shards = shards;
  }

  async countDone(): Promise<number> {
    const isDone = /\.shard-\d+-of-\d+\.manifest$/;
    return (await readdir(this.#folder)).filter((name) => isDone.test(name)).length;
  }

  isDone(shard: number): Promise<boolean> {
    return exists(this.#pathOf(shard, '.manifest'));
  }

  async readClaims(): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const name of await readdir(this.#folder)) {
      const [, shard, attempt] = /\.shard-(\d+)-of-\d+\.attempt-(\d+)$/.exec(name) ?? [];
      if (shard === undefined) continue;
      const path = join(this.#folder, name);
      const [text, { mtimeMs: atMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      const holder = parseHolder(text);
      const process = holder && { host: holder.host, pid: holder.pid };
      claims.push({ shard: Number(shard), attempt: Number(attempt), process, atMs });
    }
    return claims;
  }

  /** The latest attempts at shards that aren't done, of those that have recorded something. */
  async findAtWork(): Promise<Claim[]> {
    const latest = new Map<number, Claim>();
    for (const claim of await this.readClaims()) {
      const known = latest.get(claim.shard);
      if (known === undefined || known.attempt < claim.attempt) latest.set(claim.shard, claim);
    }
    const atWork: Claim[] = [];
    for (const claim of latest.values()) {
      const { lines = 0, done } = await this.read(claim);
      // The first line says what run it is.
      if (done === undefined && lines > 1) atWork.push(claim);
    }
    return atWork;
  }

  async read({ shard, attempt }: Claim): Promise<Recorded> {
    const read = (ending: string): Promise<string | undefined> =>
      unlessMissing(readFile(this.#pathOf(shard, ending), 'utf8'));
    const [own, done] = await Promise.all([read(`.attempt-${attempt}.manifest`), read('.manifest')]);
    return { lines: own?.match(/\n/g)?.length, done };
  }

  #pathOf(shard: number, ending: string): string {
    return join(this.#folder, `${this.#output}.shard-${shard}-of-${this.#shards}${ending}`);
  }
}
