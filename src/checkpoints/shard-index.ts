// model.safetensors.index.json: which of a model's files holds which tensor.
import { dirname, join } from 'node:path';
import { runSteps } from '../core/breather.js';
import { invalidFile } from '../core/errors.js';
import type { Steps } from '../core/steps.js';
import { isJsonObject, readJsonObject, type JsonObject } from '../files/json-object.js';

// Some hundred microseconds' worth.
const namesOfStep = 2 ** 9;

// A file beside the index, and no path to somewhere else.
const plainName = /^[^/\\]+\.safetensors$/;

/** The path of each tensor's file, by name. @throws INVALID_FILE naming the field, FILE_FAILED */
export async function readShardIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const { weight_map: map } = await readJsonObject(path);
  if (!isJsonObject(map)) throw invalidFile(path, 'an object of file names', 'weight_map', map);
  return runSteps(placesOf(path, map));
}

function* placesOf(path: string, map: JsonObject): Steps<ReadonlyMap<string, string>> {
  const folder = dirname(path);
  const places = new Map<string, string>();
  for (const name in map) {
    const file = map[name];
    if (typeof file !== 'string' || !plainName.test(file)) {
      throw invalidFile(path, 'the name of a .safetensors file beside it', `weight_map.${name}`, file);
    }
    places.set(name, join(folder, file));
    if (places.size % namesOfStep === 0) yield;
  }
  return places;
}
