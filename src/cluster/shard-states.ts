// Where the shards of a run stand, by what lies beside its output. No input is looked at, and nothing is changed.
import { readFile } from 'node:fs/promises';
import { attempt, unlessDamaged, unlessMissing } from '../files/attempt.js';
import { findHolder } from '../files/lock-file.js';
import { writeText } from '../files/write-text.js';
import type { Cut } from './cut-file.js';
import { readManifest, type RunManifest } from './read-manifest.js';
import { findAttempts } from './attempt.js';
import { shardPathsOf, shardWorkOf, type Shard, type ShardedOutput, type ShardPaths } from './shard.js';

export const shardStates = ['done', 'under way', 'failed', 'stopped', 'missing'] as const;
/**
 * - done: all of it is on the disk
 * - under way: a process holds it, or one of another host did last
 * - failed: its last attempt ended with an error, or what it has recorded is damaged
 * - stopped: begun, and nobody is at it
 * - missing: nobody has begun it
 */
export type ShardState = (typeof shardStates)[number];

export interface ShardStatus {
  readonly shard: Shard;
  readonly state: ShardState;
  readonly inputs: number;
  /** That are done. */
  readonly sequences: number;
  readonly tokens: number;
  /** Files and sequences that were left out. */
  readonly skipped: number;
  /** Who is at it. */
  readonly holder?: { readonly host: string; readonly pid: number; readonly since: Date };
  /** Why it failed. */
  readonly reason?: string;
}

/** A shard, and the manifest that its state was read from. */
export interface SeenShard {
  readonly status: ShardStatus;
  readonly manifest: RunManifest | undefined;
}

/** All shards of a cut. @throws FILE_FAILED */
export async function readShardStates(cut: Cut, output: string): Promise<ShardStatus[]> {
  const states: ShardStatus[] = [];
  for await (const { status } of lookAtShards(cut, output)) states.push(status);
  return states;
}

/** The same one after the other, with their manifests. @throws FILE_FAILED */
export async function* lookAtShards(cut: Cut, output: string): AsyncGenerator<SeenShard> {
  const place = { output, isFolder: cut.isFolder };
  for (const [index, { length: inputs }] of cut.parts.entries()) {
    const shard = { number: index + 1, count: cut.shards };
    const paths = shardPathsOf(place, shard);
    let damage: string | undefined;
    const own = await unlessDamaged(readManifest(paths.manifest), ({ message }) => (damage = message));
    const { lock, manifest } =
      own?.isComplete === true ? { ...paths, manifest: own } : await latestOf(place, shard, own);
    const state = await stateOf({ lock, failure: paths.failure }, manifest, damage);
    yield { status: { shard, inputs, ...countDone(manifest), ...state }, manifest };
  }
}

/** Of the attempts at a shard that isn't done: who is at it, and the most that was recorded. */
async function latestOf(
  place: ShardedOutput,
  shard: Shard,
  own: RunManifest | undefined,
): Promise<{ readonly lock: string; readonly manifest: RunManifest | undefined }> {
  const attempts = await findAttempts(shardWorkOf(place, shard));
  const { lock } = attempts[0] ?? shardPathsOf(place, shard);
  for (const found of attempts) {
    const manifest = await unlessDamaged(readManifest(found.manifest));
    // One whose worker ended before it could say that the shard is done: it is gone on with.
    if (manifest !== undefined) return { lock, manifest: { ...manifest, isComplete: false } };
  }
  return { lock, manifest: own };
}

async function stateOf(
  { lock, failure }: Pick<ShardPaths, 'lock' | 'failure'>,
  manifest: RunManifest | undefined,
  damage: string | undefined,
): Promise<Pick<ShardStatus, 'state' | 'holder' | 'reason'>> {
  if (manifest?.isComplete === true) return { state: 'done' };
  const holder = await findHolder(lock);
  if (holder !== undefined && !holder.isDead) {
    const { host, pid, since } = holder;
    return { state: 'under way', holder: { host, pid, since } };
  }
  const reason = (manifest === undefined ? damage : undefined) ?? (await readFailure(failure));
  if (reason !== undefined) return { state: 'failed', reason };
  return { state: manifest === undefined ? 'missing' : 'stopped' };
}

export type ShardCounts = Pick<ShardStatus, 'sequences' | 'tokens' | 'skipped'>;

export function countDone(manifest: RunManifest | undefined): ShardCounts {
  let [sequences, tokens, skipped] = [0, 0, 0];
  for (const { portions } of manifest?.chunks ?? []) {
    for (const { lengths, failures } of portions) {
      sequences += lengths.length;
      for (const length of lengths) tokens += length;
      skipped += failures.length;
    }
  }
  return { sequences, tokens, skipped };
}

/** Keeps why an attempt ended, for who looks at the shards. @throws FILE_FAILED */
export async function noteFailure(path: string, message: string): Promise<void> {
  await writeText(path, `${JSON.stringify({ message })}\n`);
}

async function readFailure(path: string): Promise<string | undefined> {
  const text = await attempt(path, 'read', () => unlessMissing(readFile(path, 'utf8')));
  if (text === undefined) return undefined;
  try {
    return String((JSON.parse(text) as { readonly message: unknown }).message);
  } catch {
    return 'for a reason that can no longer be read';
  }
}
