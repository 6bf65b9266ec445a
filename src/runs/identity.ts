// What makes two runs the same run: everything that the bytes of the outputs depend on, and nothing else.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import type { EngineInfo } from '../engine/engine.js';
import { describe, invalidFile } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { checksumOf } from '../files/file-checksum.js';
import { requireRegular } from '../files/open-file.js';
import { bytesOf } from '../files/positional-io.js';
import type { FormatName } from '../files/sequences/sequences.js';
import { configurationOf, type LayerHeads } from './configuration.js';
import { firstDifference } from './first-difference.js';
import { hasStatistics, standardStream, type RunRequest } from './request.js';

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
  readonly dtype: string;
  readonly pool?: string;
  readonly outputFormat?: FormatName;
  readonly statistics: boolean;
  readonly key?: FileIdentity;
  readonly value?: FileIdentity;
}

/** Plain JSON, kept at the head of a manifest. */
export interface RunIdentity {
  readonly settings: RunSettings;
  readonly inputs: readonly FileIdentity[];
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

/** @throws FILE_FAILED */
export async function identifyWork(request: RunRequest, layer: LayerHeads): Promise<WorkIdentity> {
  const { manifestPath, targets } = request;
  const place = (path: string): string => {
    return manifestPath === undefined ? path : relative(dirname(manifestPath), path);
  };
  return {
    settings: await identifySettings(request, layer),
    inputs: await identifyInputs(request),
    outputs: targets.map(({ path, format, statisticsPath }) => {
      const beside = statisticsPath === undefined ? {} : { statisticsPath: place(statisticsPath) };
      return { path: place(path), format, ...beside };
    }),
  };
}

export function identifyRun(
  { outputs, ...work }: WorkIdentity,
  { version, kernel, instructionSet }: EngineInfo,
): RunIdentity {
  const maker: Maker = { version, kernel: `${kernel} (${instructionSet})` };
  return { ...work, outputs: outputs.map((output) => ({ ...output, ...maker })) };
}

async function identifySettings(request: RunRequest, layer: LayerHeads): Promise<RunSettings> {
  const { key, value, dtype, pool, embedding, outputFormat } = request;
  return {
    weights: hashWeights(request),
    ...(embedding && {
      embedding: {
        ...(await identifyContent(embedding.path, Infinity)),
        tensors: embedding.tensors.map((name) => name ?? null),
      },
    }),
    configuration: configurationOf(request, layer),
    dtype,
    ...(pool && { pool }),
    ...(outputFormat && { outputFormat }),
    statistics: hasStatistics(request),
    ...(key !== undefined && { key: await identifyContent(key) }),
    ...(value !== undefined && { value: await identifyContent(value) }),
  };
}

/** With its checksum, unless that takes long. */
async function identifyContent(path: string, mostBytes = quickBytes): Promise<FileIdentity> {
  const file = await identifyFile(path);
  return file.bytes > mostBytes ? file : { ...file, checksum: await checksumOf(path) };
}

async function identifyInputs({ inputs }: RunRequest): Promise<FileIdentity[]> {
  const identities: FileIdentity[] = [];
  for (const { path } of inputs) {
    identities.push(path === standardStream ? { path, bytes: 0, modified: '' } : await identifyFile(path));
  }
  return identities;
}

function hashWeights({ weights, options: { qkNorm } }: Pick<RunRequest, 'weights' | 'options'>): string {
  const hash = createHash('sha256');
  const { query, key, value, output, biasKey, biasValue } = weights;
  for (const linear of [query, key, value, output]) {
    for (const tensor of [linear.weight, linear.bias]) {
      hash.update(JSON.stringify(tensor?.shape ?? null));
      if (tensor !== undefined) hash.update(bytesOf(tensor.data));
    }
  }
  for (const tensor of [biasKey, biasValue]) if (tensor !== undefined) hash.update(bytesOf(tensor.data));
  if (qkNorm !== undefined) {
    for (const numbers of [qkNorm.q, qkNorm.k]) hash.update(bytesOf(Float32Array.from(numbers)));
  }
  return hash.digest('hex');
}
