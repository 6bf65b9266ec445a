// What a shard of a run computes, once it is sure that the run is the one that was cut.
import type { Attempt } from '../../cluster/attempt.js';
import type { PlacedCut } from '../../cluster/find-cut.js';
import type { Shard } from '../../cluster/shard.js';
import { identifyShard, inputsOfShard, outputOfShard, requestOfShard } from '../../cluster/shard-request.js';
import type { Settings } from '../../config/schemas.js';
import { identifyWork, type KnownSettings, type RunIdentity } from '../../runs/identity.js';
import type { RunRequest } from '../../runs/request.js';
import { requestOf, type RunSource } from '../run-request.js';

/** What the shards of a run have in common, and what takes long to read. */
export interface SharedSource {
  readonly source: RunSource;
  readonly known: KnownSettings;
}

export interface AskedShard {
  readonly request: RunRequest;
  readonly identity: RunIdentity;
  readonly shared: SharedSource;
}

interface Asking extends PlacedCut {
  readonly configPath: string | undefined;
  readonly attempt?: Attempt | undefined;
  /** As another shard of the run has read it. */
  readonly shared?: SharedSource | undefined;
}

/** @throws INVALID_OPTION if the run is another one than was cut; INVALID_FILE if an input has changed; as a run */
export async function askForShard(
  settings: Settings<'run'>,
  shard: Shard,
  asking: Asking,
): Promise<AskedShard> {
  const { place, cutPath, cut, configPath, attempt, shared } = asking;
  const inputs = inputsOfShard(cut, { cutPath, shard, patterns: settings.input });
  const chosen = { inputs, ...outputOfShard(cut, place, shard) };
  const { request: planned, ...source } = await requestOf(settings, configPath, chosen, shared?.source);
  const request = requestOfShard(planned, inputs, { place, shard, attempt });
  const work = await identifyWork(request, source.layer, shared?.known);
  const { weights, embedding } = work.settings;
  const known = shared?.known ?? { weights, ...(embedding && { embedding }) };
  return {
    request,
    identity: await identifyShard(cut, work, { cutPath, inputs }),
    shared: { source, known },
  };
}
