// What makes two runs the same run: everything that the bytes of the outputs depend on, and nothing else.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import type { EngineInfo } from '../engine/engine.js';
import { mapAtOnce } from '../core/at-once.js';
import { describe, invalidFile } from '../core/errors.js';
import type { Dtype } from '../core/tensor/dtype.js';
import { attempt } from '../files/attempt.js';
import { checksumOf } from '../files/file-checksum.js';
import { requireRegular } from '../files/open-file.js';
import { piecesOf } from '../files/positional-io.js';
import type { FieldChoice, FormatName } from '../files/sequences/sequences.js';
import { configurationOf, type LayerHeads } from './configuration.js';
import { firstDifference } from './first-difference.js';
import type { NonFiniteChoice } from './non-finite.js';
import {
  hasStatistics,
  standardStream,
  type InputRange,
  type Pooling,
  type RunRequest,
  type TensorChoices,
} from './request.js';

/** A checksum of so many bytes is taken in some hundredths of a second. */
export const quickBytes = 2 ** 26;

/** Which file it was that was read. */
export interface FileIdentity {
  readonly path: string;
  readonly bytes: number;
  /** When it was last changed, in nanoseconds since 1970, as text. */
  readonly modified: string;
  /** CRC-32, where it is known from the start. */
  readonly checksum?: number;
}

/** A file, and what of it is read; default all. */
export interface InputIdentity extends FileIdentity {
  readonly range?: InputRange;
}

/** What made an output. */
export interface Maker {
  readonly version: string;
  readonly kernel: string;
}

export interface OutputIdentity extends Maker {
  /** From where the manifest lies. */
  readonly path: string;
  readonly format: FormatName;
  readonly statisticsPath?: string;
}

/** All that every output depends on, whatever its inputs are. */
export interface RunSettings {
  /** SHA-256 of the numbers of the layer's weights. */
  readonly weights: string;
  readonly embedding?: FileIdentity & { readonly tensors: readonly (string | null)[] };
  readonly configuration: object;
  readonly dtype: Dtype;
  readonly pool?: Pooling;
  readonly outputFormat?: FormatName;
  readonly statistics: boolean;
  readonly tensors?: TensorChoices;
  readonly fields?: FieldChoice;
  readonly nonFinite?: NonFiniteChoice;
  readonly key?: FileIdentity;
  readonly value?: FileIdentity;
}

/** Plain JSON, kept at the head of a manifest. */
export interface RunIdentity {
  readonly settings: RunSettings;
  readonly inputs: readonly InputIdentity[];
  /** In a folder each is that of the input of the same number. */
  readonly outputs: readonly OutputIdentity[];
}

/** The files of keys and values, if they have their own. */
export function attendedOf({ settings: { key, value } }: RunIdentity): FileIdentity[] {
  return [key, value].filter((file) => file !== undefined);
}

/** @throws FILE_FAILED if there is no such file */
export async function identifyFile(path: string): Promise<FileIdentity> {
  return attempt(path, 'open', async () => {
    const stats = await stat(path, { bigint: true });
    requireRegular(stats);
    return { path, bytes: Number(stats.size), modified: String(stats.mtimeNs) };
  });
}

/** @throws INVALID_FILE if the file has been written to or replaced since */
export async function checkUnchanged(before: FileIdentity): Promise<void> {
  if (before.path === standardStream) return;
  const { path, bytes, modified } = before;
  const difference = firstDifference({ path, bytes, modified }, await identifyFile(path));
  if (difference === undefined) return;
  const what = `a file that nobody changes while it is read, ${describe(difference.before)}`;
  throw invalidFile(path, what, difference.field, difference.now);
}

/** What an output says about its making, if its format has a place for it. */
export function metadataOf({ settings, outputs }: RunIdentity, target: number): ReadonlyMap<string, string> {
  const { version, kernel } = outputs[target]!;
  return new Map([
    ['headpool', version],
    ['kernel', kernel],
    ['configuration', JSON.stringify(settings.configuration)],
  ]);
}

/** What is to be done, whatever does it. */
export interface WorkIdentity extends Omit<RunIdentity, 'outputs'> {
  readonly outputs: readonly Omit<OutputIdentity, keyof Maker>[];
}

/** What takes long to find out; other parts of the same run have it in common. */
export type KnownSettings = Pick<RunSettings, 'weights' | 'embedding'>;

/** @throws FILE_FAILED */
export async function identifyWork(
  request: RunRequest,
  layer: LayerHeads,
  known?: KnownSettings,
): Promise<WorkIdentity> {
  const { manifestPath, targets } = request;
  const place = (path: string): string => {
    return manifestPath === undefined ? path : relative(dirname(manifestPath), path);
  };
  return {
    settings: await identifySettings(request, layer, known),
    inputs: await identifyInputs(request),
    outputs: targets.map(({ path, format, statisticsPath }) => {
      const beside = statisticsPath === undefined ? {} : { statisticsPath: place(statisticsPath) };
      return { path: place(path), format, ...beside };
    }),
  };
}

export function identifyRun(
  { outputs, ...work }: WorkIdentity,
  { version, kernel, instructionSet }: Pick<EngineInfo, 'version' | 'kernel' | 'instructionSet'>,
): RunIdentity {
  const maker: Maker = { version, kernel: `${kernel} (${instructionSet})` };
  return { ...work, outputs: outputs.map((output) => ({ ...output, ...maker })) };
}

async function identifySettings(
  request: RunRequest,
  layer: LayerHeads,
  known: KnownSettings | undefined,
): Promise<RunSettings> {
  const { key, value, dtype, pool, outputFormat, tensors, fields, nonFinite } = request;
  return {
    ...(known ?? (await identifyLayer(request))),
    configuration: configurationOf(request, layer),
    dtype,
    ...(pool && { pool }),
    ...(outputFormat && { outputFormat }),
    statistics: hasStatistics(request),
    ...(tensors && { tensors }),
    ...(fields && { fields }),
    ...(nonFinite === 'error' && { nonFinite }),
    ...(key !== undefined && { key: await identifyContent(key) }),
    ...(value !== undefined && { value: await identifyContent(value) }),
  };
}

async function identifyLayer({ embedding, ...request }: RunRequest): Promise<KnownSettings> {
  const weights = hashWeights(request);
  if (embedding === undefined) return { weights };
  const tensors = embedding.tensors.map((name) => name ?? null);
  return { weights, embedding: { ...(await identifyContent(embedding.path, Infinity)), tensors } };
}

/** With its checksum, unless that takes long. */
async function identifyContent(path: string, mostBytes = quickBytes): Promise<FileIdentity> {
  const file = await identifyFile(path);
  return file.bytes > mostBytes ? file : { ...file, checksum: await checksumOf(path) };
}

/** Files that are looked at at once. */
const atOnce = 64;

function identifyInputs({ inputs, onError }: RunRequest): Promise<InputIdentity[]> {
  return mapAtOnce(inputs, atOnce, async ({ path, range }) => {
    const unknown: FileIdentity = { path, bytes: 0, modified: '' };
    if (path === standardStream) return unknown;
    const identifying = identifyFile(path);
    const file = await (onError === 'stop' ? identifying : identifying.catch(() => unknown));
    return { ...file, ...(range && { range }) };
  });
}

function hashWeights({ weights, options: { qkNorm } }: Pick<RunRequest, 'weights' | 'options'>): string {
  const hash = createHash('sha256');
  const add = (numbers: ArrayBufferView): void => {
    for (const bytes of piecesOf(numbers)) hash.update(bytes);
  };
  const { query, key, value, output, biasKey, biasValue } = weights;
  for (const linear of [query, key, value, output]) {
    for (const tensor of [linear.weight, linear.bias]) {
      hash.update(JSON.stringify(tensor?.shape ?? null));
      if (tensor !== undefined) add(tensor.data);
    }
  }
  for (const tensor of [biasKey, biasValue]) if (tensor !== undefined) add(tensor.data);
  if (qkNorm !== undefined) {
    for (const numbers of [qkNorm.q, qkNorm.k]) add(Float32Array.from(numbers));
  }
  return hash.digest('hex');
}
