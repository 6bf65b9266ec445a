// An open checkpoint: the tensors of one .safetensors file or of several that make one model, by name. Headers are read
// when it is opened, numbers when they are asked for.
import { readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { runSteps } from '../core/breather.js';
import { expected, HeadpoolError, invalidFile } from '../core/errors.js';
import type { Steps } from '../core/steps.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { attempt, unlessMissing } from '../files/attempt.js';
import { readJsonObject } from '../files/json-object.js';
import type { StoredTensor } from '../files/storage.js';
import { openTensorFile, type TensorFile } from '../files/tensor-file.js';
import { ModelConfig } from './model-config.js';
import { readShardIndex } from './shard-index.js';

const indexEnd = '.safetensors.index.json';
const fileEnd = '.safetensors';
const saveEnds = ['.pt', '.pth', '.bin', '.ckpt'];

/**
 * Opens a .safetensors file, the index of several (`model.safetensors.index.json`), or a folder with either; and reads
 * the `config.json` beside it, if there is one.
 * @throws INVALID_FILE naming the file and the field, FILE_FAILED; INVALID_OPTION if a folder holds no weights
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const isFolder = await attempt(path, 'open', async () => (await stat(path)).isDirectory());
  const entry = isFolder ? join(path, await findWeights(path)) : path;
  const places = entry.endsWith(indexEnd) ? await readShardIndex(entry) : undefined;
  if (places === undefined) requireSafetensors(entry);
  const paths = places === undefined ? [entry] : [...new Set(places.values())];
  const config = await readConfig(join(dirname(entry), 'config.json'));
  const files: TensorFile[] = [];
  try {
    for (const file of paths) files.push(await openTensorFile(file));
    const tensors = await runSteps(findTensors(files, places));
    return new Checkpoint({ path, entry, files, ...tensors, config });
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

/** The name of what a folder's weights are read by: the one that libraries look for, or the only one there. */
async function findWeights(folder: string): Promise<string> {
  const names = (await attempt(folder, 'list the folder', () => readdir(folder))).sort();
  const usual = [`model${fileEnd}`, `model${indexEnd}`].find((name) => names.includes(name));
  if (usual !== undefined) return usual;
  for (const end of [indexEnd, fileEnd]) {
    const [only, ...others] = names.filter((name) => name.endsWith(end));
    if (only !== undefined && others.length === 0) return only;
    if (only !== undefined) {
      const what = `one file of weights in ${folder}: name one of them,`;
      throw expected('INVALID_OPTION', what, 'weights', [only, ...others]);
    }
  }
  const saved = names.find((name) => saveEnds.includes(extname(name).toLowerCase()));
  if (saved !== undefined) requireSafetensors(join(folder, saved));
  throw expected('INVALID_OPTION', `a folder with model${fileEnd} or model${indexEnd}`, 'weights', folder);
}

function requireSafetensors(path: string): void {
  const extension = extname(path).toLowerCase();
  if (extension === fileEnd) return;
  if (saveEnds.includes(extension)) {
    const remedy = 'a file of torch.save holds Python objects: convert it, see docs/weights.md';
    throw new HeadpoolError('INVALID_FILE', `${path}: expected ${fileEnd}; ${remedy}`);
  }
  throw invalidFile(path, `the extension ${fileEnd} or ${indexEnd}`, 'path', extension);
}

async function readConfig(path: string): Promise<ModelConfig | undefined> {
  const fields = await unlessMissing(readJsonObject(path));
  return fields && new ModelConfig(path, fields);
}

interface Tensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly fileOf: ReadonlyMap<string, TensorFile>;
}

interface CheckpointParts extends Tensors {
  readonly path: string;
  readonly entry: string;
  readonly files: readonly TensorFile[];
  readonly config: ModelConfig | undefined;
}

/** Close it when done. */
export class Checkpoint {
  /** As it was given. */
  readonly path: string;
  /** All that is read of it. */
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The `__metadata__` of its files. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly config: ModelConfig | undefined;
  readonly #open: readonly TensorFile[];
  readonly #fileOf: ReadonlyMap<string, TensorFile>;

  /** Made by `openCheckpoint`. */
  constructor({ path, entry, files, tensors, fileOf, config }: CheckpointParts) {
    this.path = path;
    this.config = config;
    this.#open = files;
    this.#fileOf = fileOf;
    this.tensors = tensors;
    this.metadata = new Map(files.flatMap(({ metadata }) => [...metadata]));
    const paths = [entry, ...files.map((file) => file.path), ...(config === undefined ? [] : [config.path])];
    this.files = [...new Set(paths)];
  }

  /** Tensor `name` as float32 in new shared memory. @throws INVALID_FILE, FILE_FAILED, MEMORY_LIMIT */
  async readTensor(name: string): Promise<Tensor> {
    const file = this.#fileOf.get(name);
    if (file === undefined) throw invalidFile(this.path, 'a tensor', name, undefined);
    return file.readTensor(name);
  }

  async close(): Promise<void> {
    for (const file of this.#open) await file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

// Some hundred microseconds' worth.
const namesOfStep = 2 ** 10;

/**
 * Those of all files, or those that the index has.
 * @param places the path of each tensor's file, as the index says
 * @throws INVALID_FILE if the index names a tensor that its file doesn't hold
 */
function* findTensors(
  files: readonly TensorFile[],
  places: ReadonlyMap<string, string> | undefined,
): Steps<Tensors> {
  const tensors = new Map<string, StoredTensor>();
  const fileOf = new Map<string, TensorFile>();
  for (const [name, file] of places === undefined ? namesIn(files) : placesIn(files, places)) {
    const tensor = file.tensors.get(name);
    if (tensor === undefined) {
      throw invalidFile(file.path, 'a tensor, which the index says it holds,', name, undefined);
    }
    tensors.set(name, tensor);
    fileOf.set(name, file);
    if (fileOf.size % namesOfStep === 0) yield;
  }
  return { tensors, fileOf };
}

type NameAndFile = readonly [string, TensorFile];

function* namesIn(files: readonly TensorFile[]): Generator<NameAndFile> {
  for (const file of files) for (const name of file.tensors.keys()) yield [name, file];
}

function* placesIn(
  files: readonly TensorFile[],
  places: ReadonlyMap<string, string>,
): Generator<NameAndFile> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const [name, path] of places) yield [name, byPath.get(path)!];
}
