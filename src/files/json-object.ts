// A JSON file that holds one object: the settings of a model, the index of its files.
import { runSteps } from '../core/breather.js';
import { HeadpoolError, invalidFile } from '../core/errors.js';
import { parseJson } from './parse-json.js';
import { readTextFile } from './text-file.js';

export type JsonObject = Readonly<Record<string, unknown>>;

// The index of a model of 140,000 tensors has 15 MB. All of it is in memory.
const mostBytes = 32_000_000;

/** @throws INVALID_FILE if it is no JSON or no object, FILE_FAILED */
export async function readJsonObject(path: string): Promise<JsonObject> {
  const text = await readTextFile(path, mostBytes);
  let content: unknown;
  try {
    content = await runSteps(parseJson(text));
  } catch (cause) {
    throw new HeadpoolError('INVALID_FILE', `${path}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  if (isJsonObject(content)) return content;
  throw invalidFile(path, 'a JSON object', 'content', content);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
