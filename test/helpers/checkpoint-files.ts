// Checkpoints made from the tiny models: renamed, cut into shards, damaged, or stored as other floats.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { writeStateDict, type Tensor } from '../../src/index.js';
import { encodeInto } from '../../src/core/tensor/dtype.js';
import { safetensorsFile } from '../files/scratch.js';
import { makeFolder } from './make-folder.js';
import { readModel, type ModelName } from './models.js';

export type State = ReadonlyMap<string, Tensor>;

export interface Changes {
  /** Of the tensors; undefined leaves one out. */
  readonly rename?: (name: string) => string | undefined;
  /** Of config.json; null leaves the file out. */
  readonly config?: object | null;
  /** Instead of what has their names. */
  readonly tensors?: Readonly<Record<string, Tensor>>;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** A folder with a model changed. */
export async function writeModel(
  t: ExecutionContext,
  name: ModelName,
  changes: Changes = {},
): Promise<string> {
  const { rename = (tensor: string) => tensor, config = {}, tensors = {}, metadata } = changes;
  const model = await readModel(name);
  const folder = await makeFolder(t);
  const renamed = [...model.state].flatMap(([tensor, value]) => {
    const other = rename(tensor);
    return other === undefined ? [] : [[other, value] as const];
  });
  const all = new Map([...renamed, ...Object.entries(tensors)]);
  await writeStateDict(join(folder, 'model.safetensors'), all, metadata);
  if (config !== null) {
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...model.config, ...config }));
  }
  return folder;
}

/** The same in files of some tensors each, and an index. @returns the folder */
export async function writeShards(t: ExecutionContext, name: ModelName, count: number): Promise<string> {
  const { state, path } = await readModel(name);
  const folder = join(await makeFolder(t), 'sharded');
  await mkdir(folder);
  const names = [...state.keys()];
  const places: Record<string, string> = {};
  for (let shard = 0; shard < count; shard++) {
    const file = `model-0000${shard + 1}-of-0000${count}.safetensors`;
    const own = names.filter((_, n) => n % count === shard);
    await writeStateDict(join(folder, file), new Map(own.map((tensor) => [tensor, state.get(tensor)!])));
    for (const tensor of own) places[tensor] = file;
  }
  await writeIndex(folder, places);
  await writeFile(join(folder, 'config.json'), await readFile(join(path, 'config.json')));
  return folder;
}

export async function writeIndex(folder: string, places: Readonly<Record<string, unknown>>): Promise<string> {
  const path = join(folder, 'model.safetensors.index.json');
  await writeFile(path, JSON.stringify({ metadata: { total_size: 1.5 }, weight_map: places }));
  return path;
}

/** The bytes of a file of the tensors as 16-bit floats. */
export function halvesFile(state: State, dtype: 'f16' | 'bf16'): Uint8Array {
  const header: Record<string, object> = {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, { shape, data }] of state) {
    const halves = new Uint16Array(data.length);
    encodeInto(halves, data, dtype);
    const begin = end;
    end += halves.byteLength;
    header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] };
    parts.push(new Uint8Array(halves.buffer));
  }
  return safetensorsFile(header, Buffer.concat(parts));
}
