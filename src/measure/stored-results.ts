// Reads files of results, of grids and of scaling experiments, and refuses what isn't what it should be.
import type * as z from 'zod';
import { HeadpoolError, invalidFile } from '../core/errors.js';
import { quoteName } from '../files/field-name.js';
import { readTextFile } from '../files/text-file.js';
import type { GridResults } from './grid/results.js';
import { formats, gridResults, kindOfResults, scalingResults } from './result-schemas.js';
import type { ScalingResults } from './scaling/results.js';

export type Results = GridResults | ScalingResults;

// A grid of ten thousand cells has a fifth of that. It is parsed in one go, by commands that nobody waits for.
const mostBytes = 100_000_000;

/** @throws FILE_FAILED; INVALID_FILE naming the field that is missing, surplus or wrong */
export async function readResults(path: string): Promise<Results> {
  return parseResults(await readTextFile(path, mostBytes), path);
}

/** The same of the text of a file; `path` is for messages. @throws INVALID_FILE */
export function parseResults(content: string, path: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new HeadpoolError('INVALID_FILE', `${path}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  const { benchmark } = parse(kindOfResults, value, path);
  // Another format has other fields.
  parse(formats[benchmark], value, path);
  return benchmark === 'grid' ? parse(gridResults, value, path) : parse(scalingResults, value, path);
}

/** @throws INVALID_FILE for the first wrong field */
function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, path: string): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const issue = error.issues[0]!;
  const surplus = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const keys = [...issue.path, ...surplus] as (string | number)[];
  throw invalidFile(path, issue.message, nameOf(keys), keys.reduce(fieldOf, value));
}

/** Undefined where there is no such field of its own. */
function fieldOf(value: unknown, key: string | number): unknown {
  const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  return isThere ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined;
}

/** 'cells[3].ms' */
function nameOf(keys: readonly (string | number)[]): string {
  if (keys.length === 0) return 'file';
  return keys.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? quoteName(key) : `${name}.${quoteName(key)}`;
  }, '');
}
