// What makes two runs the same run: everything that the bytes of the outputs depend on, and nothing else.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { EngineInfo } from '../engine/engine.js';
import { describe, invalidFile } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { requireRegular } from '../files/open-file.js';
import { bytesOf } from '../files/positional-io.js';
import { configurationOf, type LayerHeads } from './configuration.js';
import { standardStream, type RunRequest } from './request.js';

/** Which file it was that was read. */
export interface FileIdentity {
  readonly path: string;
  readonly bytes: number;
  /** When it was last changed, in nanoseconds since 1970, as text. */
  readonly modified: string;
}

/** What is to be done, whatever does it. */
export interface WorkIdentity {
  /** SHA-256 of the numbers of the layer's weights. */
  readonly weights: string;
  readonly embedding?: FileIdentity & { readonly tensors: readonly (string | null)[] };
  readonly configuration: object;
  readonly dtype: string;
  readonly pool?: string;
  readonly inputs: readonly FileIdentity[];
  readonly key?: FileIdentity;
  readonly value?: FileIdentity;
  readonly outputs: readonly {
    readonly path: string;
    readonly format: string;
    readonly statistics?: string;
  }[];
}

/** Plain JSON, kept at the head of a manifest. */
export interface RunIdentity extends WorkIdentity {
  readonly version: string;
  readonly kernel: string;
}

/** The files of keys and values, if they have their own. */
export function attendedOf({ key, value }: RunIdentity): FileIdentity[] {
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
  const now = await identifyFile(before.path);
  const difference = firstDifference(before, now);
  if (difference === undefined) return;
  const what = `a file that nobody changes while it is read, ${describe(difference.before)}`;
  throw invalidFile(before.path, what, difference.field, difference.now);
}

/** What an output says about its making, if its format has a place for it. */
export function metadataOf({ version, kernel, configuration }: RunIdentity): ReadonlyMap<string, string> {
  return new Map([
    ['headpool', version],
    ['kernel', kernel],
    ['configuration', JSON.stringify(configuration)],
  ]);
}

export function identifyRun(
  work: WorkIdentity,
  { version, kernel, instructionSet }: EngineInfo,
): RunIdentity {
  return { version, kernel: `${kernel} (${instructionSet})`, ...work };
}

/** @throws FILE_FAILED */
export async function identifyWork(request: RunRequest, layer: LayerHeads): Promise<WorkIdentity> {
  const { key, value, dtype, pool, embedding } = request;
  return {
    weights: hashWeights(request),
    ...(embedding && {
      embedding: {
        ...(await identifyFile(embedding.path)),
        tensors: embedding.tensors.map((name) => name ?? null),
      },
    }),
    configuration: configurationOf(request, layer),
    dtype,
    ...(pool && { pool }),
    inputs: await identifyInputs(request),
    ...(key !== undefined && { key: await identifyFile(key) }),
    ...(value !== undefined && { value: await identifyFile(value) }),
    outputs: request.targets.map(({ path, format, statisticsPath }) => {
      return { path, format, ...(statisticsPath !== undefined && { statistics: statisticsPath }) };
    }),
  };
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

/** The first field in which `now` differs from `before`, and both values; both are plain JSON. */
export function firstDifference(
  before: unknown,
  now: unknown,
  field = '',
): { readonly field: string; readonly before: unknown; readonly now: unknown } | undefined {
  if (!isObject(before) || !isObject(now)) {
    return before === now ? undefined : { field, before, now };
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const inner = Array.isArray(before) ? `${field}[${name}]` : field === '' ? name : `${field}.${name}`;
    const difference = firstDifference(before[name], now[name], inner);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
