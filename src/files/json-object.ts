// A JSON file that holds one object: the settings of a model, the index of its files.
import { readFile } from 'node:fs/promises';
import { HeadpoolError, invalidFile } from '../core/errors.js';
import { attempt } from './attempt.js';
import { openRegularFile } from './open-file.js';

export type JsonObject = Readonly<Record<string, unknown>>;

// The index of the largest model has some megabytes.
const mostBytes = 100_000_000;

/** @throws INVALID_FILE if it is no JSON or no object, FILE_FAILED */
export async function readJsonObject(path: string): Promise<JsonObject> {
  const text = await readText(path);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new HeadpoolError('INVALID_FILE', `${path}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  if (isJsonObject(content)) return content;
  throw invalidFile(path, 'a JSON object', 'content', content);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readText(path: string): Promise<string> {
  const { handle, size } = await openRegularFile(path);
  try {
    if (size > mostBytes) throw invalidFile(path, `at most ${mostBytes} bytes`, 'size', size);
    return await attempt(path, 'read', () => readFile(handle, 'utf8'));
  } finally {
    await handle.close();
  }
}
