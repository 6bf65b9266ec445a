// What the manifest of a run says, for who only looks at it: that of a shard, or that of what shards come to.
import { readRecordLog } from '../files/record-log.js';
import type { RunIdentity } from '../runs/identity.js';
import { chunksOf, type ChunkRecord, type ManifestHead } from '../runs/manifest.js';

export interface RunManifest {
  readonly run: RunIdentity;
  readonly chunks: readonly ChunkRecord[];
  readonly isComplete: boolean;
}

/** Undefined if there is none. @throws INVALID_FILE if it is damaged; FILE_FAILED */
export async function readManifest(path: string): Promise<RunManifest | undefined> {
  const records = await readRecordLog(path);
  if (records === undefined) return undefined;
  const { run } = records[0] as unknown as ManifestHead;
  return { run, chunks: chunksOf(records.slice(1)), isComplete: records.at(-1)!.complete === true };
}
