// The levels of a column: of each value, which of the lists around it goes on, and how far what it stands in is there.
import type { Steps } from '../../../core/steps.js';
import type { SchemaTree } from './load-parquet.js';
import type { Page } from './pages.js';
import { readRuns } from './runs.js';

/** What the schema says of a column that holds no structs. */
export interface ColumnLevels {
  /** The lists around a value. */
  readonly lists: number;
  /** Of a value that is there. */
  readonly whole: number;
  /** By depth: from which level on the column, what its lists hold, and so on inwards, is there. */
  readonly isThere: readonly number[];
  /** By depth: from which level on a list has anything in it. */
  readonly isFilled: readonly number[];
}

export interface Levels {
  readonly repetitions: Uint8Array;
  readonly definitions: Uint8Array;
}

/** @param path the column, and what is in it, down to its values */
export function levelsOf(path: readonly SchemaTree[]): ColumnLevels {
  let whole = 0;
  const isThere: number[] = [];
  const isFilled: number[] = [];
  for (const { element } of path) {
    const isRepeated = element.repetition_type === 'REPEATED';
    if (element.repetition_type !== 'REQUIRED') whole++;
    if (isRepeated) isFilled.push(whole);
    // What a list holds may need no element of its own.
    isThere[isFilled.length] = whole;
  }
  return { lists: isFilled.length, whole, isThere, isFilled };
}

/** The levels of a page, and what follows them. @throws Error */
export function* readLevels(
  { count, levels, takeBody }: Page,
  { lists, whole }: ColumnLevels,
): Steps<Levels & { readonly body: Uint8Array }> {
  let body = takeBody();
  const takeLevels = (bits: number): Uint8Array => {
    if (bits === 0) return body.subarray(0, 0);
    const end =
      body.length < 4 ? Infinity : 4 + new DataView(body.buffer, body.byteOffset).getUint32(0, true);
    if (end > body.length) throw new Error('the levels of a page are cut short');
    const own = body.subarray(4, end);
    body = body.subarray(end);
    return own;
  };
  const [repetitionBits, definitionBits] = [bitsOf(lists), bitsOf(whole)];
  const repetitions = new Uint8Array(count);
  const definitions = new Uint8Array(count);
  yield* readRuns(levels?.[0] ?? takeLevels(repetitionBits), repetitionBits, repetitions);
  yield* readRuns(levels?.[1] ?? takeLevels(definitionBits), definitionBits, definitions);
  return { repetitions, definitions, body };
}

function bitsOf(most: number): number {
  return 32 - Math.clz32(most);
}
