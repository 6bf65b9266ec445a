// Puts the parts of a single output together: the bytes of one run on one machine. What shards wrote is copied, what
// stands around it is made anew. It records what it has done as a run does, and so it is resumed as a run is.
import { dirname } from 'node:path';
import { refuseOverDisk } from '../files/disk-room.js';
import { checkPart } from '../files/file-checksum.js';
import { pathBeside } from '../files/path-beside.js';
import type { SequenceName } from '../files/sequences/sequences.js';
import { targetsOf, type EarlierChoice } from '../runs/earlier-run.js';
import { firstDifference } from '../runs/first-difference.js';
import { identifyRun, metadataOf, type RunIdentity } from '../runs/identity.js';
import { openJournal, type Journal } from '../runs/journal.js';
import type { FinishedTarget, PortionRecord } from '../runs/manifest.js';
import { restoreName } from '../runs/outputs.js';
import type { RecordedRequest, RunTarget } from '../runs/request.js';
import { idsOf } from '../runs/sequence-ids.js';
import { openTarget, type Target } from '../runs/target.js';
import type { Attempt } from './attempt.js';
import type { Cut } from './cut-file.js';
import { inputsOf, type FinishedShard } from './finished-shards.js';
import { isGivenUp, mergePortions, type MergedPortion } from './merged-portions.js';
import { PartFiles } from './part-files.js';
import { readManifest } from './read-manifest.js';
import { shardPathsOf } from './shard.js';

export interface MergeOptions {
  readonly output: string;
  /** Whether unfinished work of another run at the output is forgotten. */
  readonly isRestarting: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
  /** Absent of who holds the lock of the output. */
  readonly attempt?: Attempt | undefined;
  /** Copied between two records, which is what a kill loses; default 2^28. */
  readonly recordBytes?: number;
}

const usualRecordBytes = 2 ** 28;
const recordPortions = 1024;

/**
 * @param shards all of the cut
 * @throws INVALID_FILE where a part has other bytes than its shard wrote; FILE_FAILED; INVALID_OPTION if the format can't
 * hold all shards together, or unfinished work would be lost; OUTPUT_IN_USE
 */
export async function mergeShards(
  cut: Cut,
  shards: readonly FinishedShard[],
  options: MergeOptions,
): Promise<Journal['state']> {
  const { attempt } = options;
  const merge = planMerge(cut, shards, options);
  const earlier = options.isRestarting ? 'restart' : await choiceFor(merge);
  const journal = await openJournal(merge.request, {
    ...{ identity: merge.identity, earlier },
    ...(attempt && { assertLatest: () => attempt.assertLatest() }),
  });
  try {
    const { state } = journal;
    if (state.isFinished(0) && state.finishOf(0) !== undefined) await restoreName(merge.target);
    if (!state.isFinished(0)) await writeAll(merge, shards, { ...options, journal });
    if (!state.isComplete) await journal.complete();
    return state;
  } finally {
    await journal.close();
  }
}

export interface Merge {
  readonly cut: Cut;
  readonly request: RecordedRequest & { readonly manifestPath: string };
  readonly identity: RunIdentity;
  readonly target: RunTarget;
  readonly portions: readonly MergedPortion[];
}

/** Touches no file. */
export function planMerge(
  cut: Cut,
  shards: readonly FinishedShard[],
  { output, attempt }: Pick<MergeOptions, 'output' | 'attempt'>,
): Merge {
  const place = { folder: dirname(output), draft: attempt?.draft };
  const target = targetsOf([cut.output!], place)[0]!;
  const inputs = inputsOf(cut);
  const work = { settings: cut.settings, inputs, outputs: [cut.output!] };
  const manifestPath = attempt?.manifest ?? pathBeside(target.path, '.manifest');
  const request = {
    inputs: inputs.map((input) => ({ path: input.path, target: 0 })),
    targets: [target],
    manifestPath,
    lockPath: attempt?.lock ?? pathBeside(manifestPath, '.lock'),
  };
  return {
    cut,
    request,
    target,
    identity: identifyRun(work, cut.engine),
    portions: [...mergePortions(shards)],
  };
}

/** To go on with a merge of the same parts; anything else that is unfinished there is not ours to forget. */
export async function choiceFor({ request, identity, portions }: Merge): Promise<EarlierChoice> {
  const earlier = await readManifest(request.manifestPath);
  if (earlier === undefined || firstDifference(earlier.run, identity) !== undefined) return 'refuse';
  const merged = earlier.chunks.flatMap((chunk) => chunk.portions);
  const isSame = merged.every((record, index) => isCopyOf(record, portions[index]?.record));
  return isSame ? 'resume' : 'refuse';
}

function isCopyOf(record: PortionRecord, own: PortionRecord | undefined): boolean {
  const keyOf = ({ input, end, parts }: PortionRecord) => [input, end, parts?.rows.checksum];
  return own !== undefined && firstDifference(keyOf(record), keyOf(own)) === undefined;
}

type Writing = MergeOptions & { readonly journal: Journal };

async function writeAll(merge: Merge, shards: readonly FinishedShard[], writing: Writing): Promise<void> {
  const { cut, portions, identity } = merge;
  const { journal, signal } = writing;
  if (isGivenUp(shards, cut.inputs)) {
    await journal.record(
      portions.map(({ record }) => record),
      [{ target: 0 }],
    );
    return;
  }
  const target = await openTarget(cut.settings, merge.target, {
    rows: { ...outlineOf(merge), modelDim: cut.outputDim, metadata: metadataOf(identity, 0) },
    earlier: journal.state.partsOf(0),
    hasPartialNames: true,
    pipe: undefined,
  });
  const files = new PartFiles();
  try {
    let next = journal.state.portions;
    await refuseOverDisk([{ path: merge.target.path, byteLength: bytesOf(portions.slice(next)) }]);
    while (next < portions.length) {
      signal.throwIfAborted();
      next = await writeSome(merge, target, { ...writing, files, next });
    }
    const finished: FinishedTarget = { target: 0, parts: await target.finish() };
    await target.sync();
    await journal.record([], [finished]);
    await journal.assertHeld();
    await target.commit();
  } catch (error) {
    await (journal.canResume ? target.close() : target.discard());
    throw error;
  } finally {
    await files.close();
  }
}

function bytesOf(portions: readonly MergedPortion[]): number {
  return portions.reduce((sum, { record }) => sum + (record.parts?.rows.byteLength ?? 0), 0);
}

/** Copies portions until there is enough for a record; resolves to the number of the first that is left. */
async function writeSome(
  { cut, portions, request }: Merge,
  target: Target,
  {
    output,
    journal,
    files,
    next,
    onProgress,
    recordBytes = usualRecordBytes,
  }: Writing & { readonly files: PartFiles; readonly next: number },
): Promise<number> {
  const records: PortionRecord[] = [];
  let [index, bytes] = [next, 0];
  const places = new Map<number, number>();
  for (; index < portions.length && bytes < recordBytes && records.length < recordPortions; index++) {
    const { record, shard } = portions[index]!;
    const { input, lengths, parts } = record;
    const first = places.get(input) ?? journal.state.placeOf(input)?.sequence ?? 0;
    places.set(input, record.end.sequence);
    if (parts === undefined) {
      records.push(record);
      continue;
    }
    const paths = shardPathsOf({ output, isFolder: false }, { number: shard + 1, count: cut.shards });
    const names = idsOf(request.inputs[input]!.path, first, record);
    const copied = await target.copy({ lengths, names }, await files.read(paths, parts));
    checkPart(paths.part, parts.rows, copied.rows.checksum);
    records.push({ ...record, parts: copied });
    bytes += parts.rows.byteLength;
    onProgress(parts.rows.byteLength);
  }
  await target.sync();
  await journal.record(records, []);
  return index;
}

/** What a header that comes first has to list. */
function outlineOf({ cut: { form, outputDim: modelDim }, portions }: Merge) {
  if (form !== 'named') return { form, layout: undefined };
  const lengths: number[] = [];
  const names: SequenceName[] = [];
  for (const { record } of portions) {
    for (const [index, length] of record.lengths.entries()) {
      lengths.push(length);
      names.push(record.names?.[index] ?? null);
    }
  }
  return { form, layout: { lengths, names, modelDim } };
}
