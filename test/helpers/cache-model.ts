// Random steps on a cache and its forks, followed by plain lists of tokens.
import type { KeyValueCache, CacheUpdate } from '../../src/attention/cache.js';
import type { CacheOptions } from '../../src/attention/cache-options.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { codeOf } from './assertions.js';
import { openCache, pageTokens, readTokens, slotOf, writeTokens, type FakeStorage } from './fake-storage.js';

/** A cache beside the tokens that it should have seen, and its open call. */
interface Twin {
  readonly cache: KeyValueCache;
  seen: number[][];
  call:
    { readonly update: CacheUpdate; readonly rows: number[][]; readonly heldBefore: number[] } | undefined;
}

export type Step = Readonly<Record<'kind' | 'which' | 'a' | 'b', number>>;

const stepKinds = ['begin', 'begin', 'append', 'append', 'end', 'fork', 'truncate', 'dispose'] as const;

/** A cache and its forks beside plain lists of what each should hold. */
export class CacheModel {
  readonly storage: FakeStorage;
  readonly reached = new Set<string>();
  readonly #options: CacheOptions;
  #twins: Twin[];
  #nextToken = 1;

  constructor(options: CacheOptions, spare: number) {
    const { cache, storage } = openCache(options, spare);
    this.storage = storage;
    this.#options = options;
    this.#twins = [{ cache, seen: cache.tokens.map(() => []), call: undefined }];
  }

  step({ kind, which, a, b }: Step): void {
    const twin = this.#twins[which % this.#twins.length];
    if (twin === undefined) return;
    const lengths = [a, b].slice(0, twin.seen.length);
    switch (stepKinds[kind % stepKinds.length]!) {
      case 'begin':
        this.#begin(twin, lengths);
        break;
      case 'append':
        this.#begin(twin, lengths);
        this.#end(twin, true);
        break;
      case 'end':
        this.#end(twin, a % 2 === 0);
        break;
      case 'fork':
        this.#fork(twin);
        break;
      case 'truncate':
        this.#truncate(twin, lengths);
        break;
      case 'dispose':
        if (a % 4 === 0) this.#dispose(twin);
        break;
    }
  }

  #begin(twin: Twin, lengths: readonly number[]): void {
    const heldBefore = twin.call === undefined ? this.#pagesOf(twin) : [];
    const { cache } = twin;
    let update: CacheUpdate;
    try {
      update = cache.begin(lengths);
    } catch (error) {
      this.#expectRefusal(error, twin, lengths);
      return;
    }
    equal(twin.call, undefined, 'two calls on a cache');
    const rows = lengths.map((length) => Array.from({ length }, () => this.#nextToken++));
    writeTokens(cache, update, rows);
    twin.call = { update, rows, heldBefore };
  }

  #expectRefusal(error: unknown, twin: Twin, lengths: readonly number[]): void {
    if (!(error instanceof HeadpoolError)) throw error;
    this.reached.add(error.code);
    if (twin.call !== undefined) {
      equal(error.code, 'CACHE_IN_USE', 'code');
      return;
    }
    equal(error.code, 'CACHE_FULL', 'code');
    const { maxTokens, rolling } = this.#options;
    const isOver = lengths.some((length, s) => (rolling ? 0 : twin.seen[s]!.length) + length > maxTokens);
    if (isOver) return;
    this.reached.add('no pages');
    // At most the copy of a last page more than the new tokens fill.
    const most = lengths.reduce((total, length) => total + Math.ceil(length / pageTokens) + 1, 0);
    if (twin.cache.freePages >= most) throw new Error(`refused with ${twin.cache.freePages} free pages`);
    if (this.#twins.length === 1) throw new Error('refused without forks');
  }

  #end(twin: Twin, isKept: boolean): void {
    const { call } = twin;
    if (call === undefined) return;
    if (isKept) {
      call.update.commit();
      twin.seen = twin.seen.map((tokens, s) => [...tokens, ...call.rows[s]!]);
    } else {
      call.update.rollback();
    }
    twin.call = undefined;
  }

  #fork(twin: Twin): void {
    if (this.#twins.length > 4) return;
    const code = codeOf(() => {
      this.#twins.push({ cache: twin.cache.fork(), seen: twin.seen, call: undefined });
    });
    equal(code, twin.call && 'CACHE_IN_USE', 'code of a fork');
  }

  #truncate(twin: Twin, lengths: readonly number[]): void {
    const firsts = twin.call === undefined ? readTokens(twin.cache).map(({ firstToken }) => firstToken) : [];
    const wanted = lengths.map((length, s) => Math.max(0, twin.seen[s]!.length - length));
    const isGone = wanted.some((length, s) => length > 0 && length < firsts[s]!);
    const code = codeOf(() => {
      twin.cache.truncate(wanted);
    });
    if (isGone) this.reached.add('gone');
    equal(code, twin.call ? 'CACHE_IN_USE' : isGone ? 'INVALID_OPTION' : undefined, 'code of truncate');
    if (code === undefined) twin.seen = twin.seen.map((tokens, s) => tokens.slice(0, wanted[s]));
  }

  #dispose(twin: Twin): void {
    twin.cache.dispose();
    twin.call?.update[this.#nextToken % 2 === 0 ? 'commit' : 'rollback']();
    this.#twins = this.#twins.filter((other) => other !== twin);
  }

  /** Every cache reads its own tokens, and each page is either free or held by somebody. */
  check(): void {
    const held = new Set<number>();
    for (const twin of this.#twins) {
      equal(twin.cache.tokens.join(), twin.seen.map(({ length }) => length).join(), 'tokens');
      for (const page of this.#pagesOf(twin)) held.add(page);
      if (twin.call === undefined) this.#checkTokens(twin);
      else this.#checkCall(twin);
    }
    const isOver = this.#twins.length === 0;
    equal(this.storage.timesFreed, isOver ? 1 : 0, 'times freed');
    if (!isOver) equal(this.#twins[0]!.cache.freePages, this.storage.pageCount - held.size, 'free pages');
  }

  #checkTokens({ cache, seen }: Twin): void {
    const { maxTokens, rolling } = this.#options;
    for (const [s, { firstToken, tokens }] of readTokens(cache).entries()) {
      equal(tokens.join(), seen[s]!.slice(firstToken).join(), 'held tokens');
      if (rolling !== true) equal(firstToken, 0, 'first token');
      if (firstToken > 0) this.reached.add('rolled');
      const reach = Math.min(cache.lookBack, seen[s]!.length);
      if (seen[s]!.length - reach < firstToken) throw new Error('looks back to what was given back');
      if (reach < maxTokens && reach < seen[s]!.length) this.reached.add('short');
    }
  }

  /** The tokens before an open call and those that it wrote are there, whatever others did since. */
  #checkCall({ call, seen }: Twin): void {
    for (const [s, sequence] of call!.update.sequences.entries()) {
      const wanted = [...seen[s]!.slice(sequence.firstToken), ...call!.rows[s]!];
      const got = wanted.map((_, n) => this.storage.numbers[slotOf(sequence, n)]!);
      equal(got.join(), wanted.join(), 'tokens of a call');
    }
  }

  #pagesOf({ cache, call }: Twin): number[] {
    if (call !== undefined) return [...call.heldBefore, ...pagesOf(call.update)];
    const update = cache.begin(cache.tokens.map(() => 0));
    update.rollback();
    return pagesOf(update);
  }

  end(): void {
    while (this.#twins.length > 0) {
      this.#dispose(this.#twins.at(-1)!);
      this.check();
    }
  }
}

function pagesOf({ sequences }: CacheUpdate): number[] {
  return sequences.flatMap(({ pages }) => pages);
}

// Thrown, because fast-check shows the steps that led there; AVA's own assertions would count thousands.
function equal(actual: unknown, wanted: unknown, what: string): void {
  if (actual !== wanted) throw new Error(`${what}: ${String(actual)} instead of ${String(wanted)}`);
}
