// How long the merge of a run will take, by the shards of it that were computed: once one of them, and once all.
import { mergeShards } from '../../cluster/merge.js';
import type { FinishedShard } from '../../cluster/finished-shards.js';
import { readManifest } from '../../cluster/read-manifest.js';
import { shardPathsOf } from '../../cluster/shard.js';
import type { Sample } from './sample.js';

export interface MergeTime {
  readonly ms: number;
  /** Of the whole output. */
  readonly bytes: number;
}

/** Nothing where outputs go to a folder: nothing is copied there. @throws as `mergeShards` */
export async function foretellMerge(sample: Sample, signal: AbortSignal): Promise<MergeTime> {
  const { place, works } = sample;
  if (place.isFolder) return { ms: 0, bytes: 0 };
  const shards = await readComputed(sample);
  const computed = [...shards.keys()].filter((index) => shards[index]!.chunks.length > 0);
  const one = await timeMerge(sample, without(shards, computed.slice(1)), signal);
  const all = await timeMerge(sample, shards, signal);
  const tokensOf = (indices: Iterable<number>): number => {
    let tokens = 0;
    for (const index of indices) tokens += works[index]!.tokens;
    return tokens;
  };
  const bytes = all.bytes * (tokensOf(works.keys()) / tokensOf(computed));
  const msPerByte = Math.max(0, all.ms - one.ms) / Math.max(1, all.bytes - one.bytes);
  return { bytes, ms: Math.max(0, one.ms + msPerByte * (bytes - one.bytes)) };
}

/** All shards; those that nobody computed have written nothing. */
async function readComputed({ cut, place }: Sample): Promise<FinishedShard[]> {
  const shards: (FinishedShard | undefined)[] = [];
  for (const [index, inputs] of cut.parts.entries()) {
    const shard = { number: index + 1, count: cut.shards };
    const manifest = await readManifest(shardPathsOf(place, shard).manifest);
    shards.push(manifest && { shard, inputs, ...manifest });
  }
  const some = shards.find((shard) => shard !== undefined)!;
  return shards.map((shard, index) => {
    return shard ?? { ...some, shard: { ...some.shard, number: index + 1 }, inputs: [], chunks: [] };
  });
}

function without(shards: readonly FinishedShard[], indices: readonly number[]): FinishedShard[] {
  const left = new Set(indices);
  return shards.map((shard, index) => (left.has(index) ? { ...shard, inputs: [], chunks: [] } : shard));
}

async function timeMerge(
  { cut, place: { output } }: Sample,
  shards: readonly FinishedShard[],
  signal: AbortSignal,
): Promise<MergeTime> {
  let bytes = 0;
  const onProgress = (copied: number): void => {
    bytes += copied;
  };
  const startMs = performance.now();
  await mergeShards(cut, shards, { output, isRestarting: true, signal, onProgress });
  return { ms: performance.now() - startMs, bytes };
}
