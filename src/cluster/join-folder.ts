// The manifest of a folder whose files shards have written, as one run would have left it: a later run goes on there.
import { join } from 'node:path';
import { pathBeside } from '../files/path-beside.js';
import { carryRecords } from '../runs/carry-records.js';
import { targetsOf, type EarlierChoice } from '../runs/earlier-run.js';
import { firstDifference } from '../runs/first-difference.js';
import type { OutputIdentity, RunIdentity } from '../runs/identity.js';
import { openJournal, refuseForgetting, type Journal } from '../runs/journal.js';
import { findMissing } from '../runs/left-files.js';
import type { RecordedRequest } from '../runs/request.js';
import { removeEarlier } from './adopt.js';
import { claimAttempt, type Attempt } from './attempt.js';
import type { Cut } from './cut-file.js';
import { inputsOf, type FinishedShard } from './finished-shards.js';
import { readManifest } from './read-manifest.js';
import { mergeWorkOf } from './shard.js';

interface JoinOptions {
  readonly output: string;
  /** Absent of who holds the lock of the folder's manifest. */
  readonly attempt?: Attempt | undefined;
  /** Whether unfinished work of another run in the folder is forgotten. */
  readonly isRestarting: boolean;
}

/**
 * @param shards all of the cut
 * @throws INVALID_FILE naming an output that is not there; INVALID_OPTION if unfinished work would be lost;
 * OUTPUT_IN_USE; FILE_FAILED
 */
export async function joinFolder(
  cut: Cut,
  shards: readonly FinishedShard[],
  { output, isRestarting, attempt }: JoinOptions,
): Promise<void> {
  const identity = identityOf(cut, shards);
  const request = { ...requestOf(identity, output), ...(attempt && pathsOfAttempt(attempt)) };
  const earlier = isRestarting ? 'restart' : await choiceFor(request.manifestPath, identity);
  const journal = await openJournal(request, {
    ...{ identity, earlier },
    ...(attempt && { assertLatest: () => attempt.assertLatest() }),
  });
  try {
    if (journal.state.isComplete) return;
    for (const shard of shards) await recordShard(journal, shard);
    for (const [number, target] of request.targets.entries()) {
      if (journal.state.finishOf(number) === undefined) continue;
      const missing = await findMissing(target, number, journal.state);
      if (missing !== undefined) throw missing;
    }
    await journal.complete();
  } finally {
    await journal.close();
  }
}

/**
 * The same by an attempt of its own: somebody else may be at it, or wake.
 * @throws OUTPUT_IN_USE if another attempt begins meanwhile; as `joinFolder`
 */
export async function attemptJoin(cut: Cut, shards: readonly FinishedShard[], output: string): Promise<void> {
  const work = mergeWorkOf({ output, isFolder: true });
  if ((await choiceFor(work.manifest, identityOf(cut, shards))) === 'refuse')
    await refuseForgetting(work.manifest);
  const attempt = await claimAttempt(work);
  await joinFolder(cut, shards, { output, attempt, isRestarting: true });
  await attempt.publish();
  await removeEarlier(attempt, []);
}

function pathsOfAttempt({ manifest, lock }: Attempt) {
  return { manifestPath: manifest, lockPath: lock };
}

function identityOf(cut: Cut, shards: readonly FinishedShard[]): RunIdentity {
  const outputs: OutputIdentity[] = [];
  for (const { run } of shards) for (const output of run.outputs) outputs.push(output);
  return { settings: cut.settings, inputs: inputsOf(cut), outputs };
}

function requestOf(
  { inputs, outputs }: RunIdentity,
  folder: string,
): RecordedRequest & { manifestPath: string } {
  const manifestPath = join(folder, 'headpool.manifest');
  return {
    inputs: inputs.map(({ path }, target) => ({ path, target })),
    targets: targetsOf(outputs, { folder }),
    folder,
    manifestPath,
    lockPath: pathBeside(manifestPath, '.lock'),
  };
}

/** What is there of the same run is whole, or was begun by a process that ended here. */
async function choiceFor(path: string, identity: RunIdentity): Promise<EarlierChoice> {
  const earlier = await readManifest(path);
  if (earlier === undefined || firstDifference(earlier.run, identity) !== undefined) return 'refuse';
  return earlier.isComplete ? 'resume' : 'restart';
}

async function recordShard(journal: Journal, { inputs, chunks }: FinishedShard): Promise<void> {
  const numbers = new Map(inputs.map(({ input }, number) => [number, input]));
  for (const { portions, finished } of carryRecords(chunks, { inputs: numbers, targets: numbers })) {
    await journal.record(portions, finished);
  }
}
