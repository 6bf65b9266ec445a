// The request of one shard, and whether who asks for it means the run that was cut.
import { expected, invalidFile } from '../core/errors.js';
import type { OutputChoice } from '../runs/plan-outputs.js';
import { checkSettings } from '../runs/compare-runs.js';
import { firstDifference } from '../runs/first-difference.js';
import { identifyRun, type FileIdentity, type RunIdentity, type WorkIdentity } from '../runs/identity.js';
import type { RunRequest } from '../runs/request.js';
import type { Cut, CutInput } from './cut-file.js';
import type { Attempt } from './attempt.js';
import { shardPathsOf, type Shard, type ShardedOutput } from './shard.js';

/** What a command line says of a shard's run. */
export interface AskedShard {
  readonly cutPath: string;
  readonly shard: Shard;
  readonly patterns: readonly string[];
}

/** @throws INVALID_OPTION if the run was cut into another number of shards, or for other inputs */
export function inputsOfShard(cut: Cut, { cutPath, shard, patterns }: AskedShard): readonly CutInput[] {
  if (shard.count !== cut.shards) {
    throw expected('INVALID_OPTION', `${cut.shards} shards, as ${cutPath} has,`, 'shards', shard.count);
  }
  if (firstDifference(cut.patterns, patterns) === undefined) return cut.parts[shard.number - 1]!;
  throw expected('INVALID_OPTION', `${cut.patterns.join(', ')}, as ${cutPath} has,`, 'input', patterns);
}

/** Where a shard's outputs go, as `planOutputs` wants to know it. */
export function outputOfShard(
  { output: whole }: Cut,
  place: ShardedOutput,
  shard: Shard,
): Pick<OutputChoice, 'output' | 'isFolder'> & Partial<Pick<OutputChoice, 'outputFormat'>> {
  if (place.isFolder) return place;
  return { output: shardPathsOf(place, shard).part, isFolder: false, outputFormat: whole!.format };
}

interface AskedOutput {
  readonly place: ShardedOutput;
  readonly shard: Shard;
  /** Absent of who holds the shard's lock. */
  readonly attempt?: Attempt | undefined;
}

/** A request for the inputs of a shard as the request of the shard. */
export function requestOfShard(
  request: RunRequest,
  inputs: readonly CutInput[],
  { place, shard, attempt }: AskedOutput,
): RunRequest {
  const paths = shardPathsOf(place, shard);
  const { manifest, lock, draft } = attempt ?? { ...paths, draft: undefined };
  return {
    ...request,
    inputs: request.inputs.map((input, number) => ({ ...input, range: inputs[number]!.range })),
    targets: request.targets.map((target) => ({
      ...target,
      ...(!place.isFolder && target.statisticsPath !== undefined && { statisticsPath: paths.statistics }),
      ...(draft !== undefined && { draft }),
    })),
    isPart: !place.isFolder,
    manifestPath: manifest,
    lockPath: lock,
  };
}

/**
 * What the outputs of a shard say of their making.
 * @throws INVALID_OPTION if a setting is another one than the cut's; INVALID_FILE if an input isn't what it was
 */
export async function identifyShard(
  cut: Cut,
  work: WorkIdentity,
  { cutPath, inputs }: { readonly cutPath: string; readonly inputs: readonly CutInput[] },
): Promise<RunIdentity> {
  // Without outputs nothing tells whether there are statistics.
  const isEmpty = work.outputs.length === 0;
  const settings = { ...work.settings, ...(isEmpty && { statistics: cut.settings.statistics }) };
  await checkSettings(cutPath, cut.settings, settings, cutAnew);
  for (const [number, file] of work.inputs.entries()) checkAsCut(inputs[number]!, file);
  return identifyRun({ ...work, settings }, cut.engine);
}

/** How a run is cut once more. */
export const cutAnew = '`headpool shards --remove` forgets the shards';

/** @throws INVALID_FILE naming the input */
export function checkAsCut({ path, bytes, modified }: CutInput, now: FileIdentity): void {
  const difference = firstDifference({ bytes, modified }, { bytes: now.bytes, modified: now.modified });
  if (difference === undefined) return;
  const what = `the file that was cut into shards, with ${difference.field} ${String(difference.before)},`;
  throw invalidFile(path, what, difference.field, difference.now);
}
