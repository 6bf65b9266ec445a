// model.safetensors.index.json: which of a model's files holds which tensor.
import { dirname, join } from 'node:path';
import { invalidFile } from '../core/errors.js';
import { isJsonObject, readJsonObject } from '../files/json-object.js';

// A file beside the index, and no path to somewhere else.
const plainName = /^[^/\\]+\.safetensors$/;

/** The path of each tensor's file, by name. @throws INVALID_FILE naming the field, FILE_FAILED */
export async function readShardIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const { weight_map: map } = await readJsonObject(path);
  if (!isJsonObject(map)) throw invalidFile(path, 'an object of file names', 'weight_map', map);
  return new Map(
    Object.entries(map).map(([name, file]) => {
      if (typeof file === 'string' && plainName.test(file)) return [name, join(dirname(path), file)];
      throw invalidFile(path, 'the name of a .safetensors file beside it', `weight_map.${name}`, file);
    }),
  );
}
