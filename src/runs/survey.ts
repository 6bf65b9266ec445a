// What an earlier run has done of what is asked for now, file by file, and what of that can be kept. Nothing is changed.
import { expected } from '../core/errors.js';
import type { JsonRecord } from '../files/record-log.js';
import { carryRecords } from './carry-records.js';
import { checkSettings } from './compare-runs.js';
import { recallRun } from './earlier-run.js';
import { findKept, type FileState } from './find-kept.js';
import { firstDifference } from './first-difference.js';
import type { RunIdentity } from './identity.js';
import { chunksOf, manifestFormat, type ChunkRecord, type ManifestHead } from './manifest.js';
import type { RecordedRequest, RunTarget } from './request.js';

/** An input, its output and what was found of them. */
export interface SurveyedFile {
  readonly input: string;
  readonly output: string;
  readonly state: FileState;
}

export interface Survey {
  readonly files: readonly SurveyedFile[];
  /** What the manifest is to say; its inputs and outputs are this run's and after them those that have gone. */
  readonly run: RunIdentity;
  readonly records: readonly ChunkRecord[];
  /** Whether the manifest says all that already. */
  readonly isSame: boolean;
  /** Outputs whose partial files nobody will go on with or write over. */
  readonly leftovers: readonly RunTarget[];
}

interface SurveyOptions {
  readonly path: string;
  readonly identity: RunIdentity;
  readonly isMixed: boolean;
}

/**
 * @param records all of the manifest `path`
 * @throws INVALID_OPTION if they are of another run, naming what differs; INVALID_FILE if they are damaged, or what they
 * tell of has gone and may not be computed again
 */
export async function surveyRun(
  request: RecordedRequest,
  records: readonly JsonRecord[],
  { path, identity, isMixed }: SurveyOptions,
): Promise<Survey> {
  const [head, ...chunks] = records;
  const { format, run: before } = head as unknown as ManifestHead;
  if (format !== manifestFormat) {
    throw expected('INVALID_OPTION', `a manifest of format ${manifestFormat}`, path, format);
  }
  await checkSettings(path, before.settings, identity.settings);
  const earlier = recallRun(request, path, { run: before, chunks });
  const kept = await findKept(request, { path, identity, earlier, isMixed });
  const { inputs, targets, gone, states } = kept;
  const makers = new Map([...targets].map(([old, now]) => [now, before.outputs[old]!]));
  const run: RunIdentity = {
    ...identity,
    inputs: [...identity.inputs, ...gone.map((number) => before.inputs[number]!)],
    outputs: [
      ...identity.outputs.map((output, number) => makers.get(number) ?? output),
      ...gone.map((number) => before.outputs[number]!),
    ],
  };
  const dropped = earlier.targets.filter((_, number) => !targets.has(number));
  const planned = new Set(request.targets.map((target) => target.path));
  const isAllKept = earlier.state.inputs.every(({ isBegun }, input) => !isBegun || inputs.has(input));
  return {
    files: [
      ...listFiles(request, (input) => states[input]!),
      ...gone.map((number): SurveyedFile => {
        return { input: before.inputs[number]!.path, output: earlier.targets[number]!.path, state: 'gone' };
      }),
    ],
    run,
    records: carryRecords(chunksOf(chunks), { inputs, targets }),
    isSame: isAllKept && firstDifference(before, run) === undefined,
    leftovers: dropped.filter((target) => !planned.has(target.path)),
  };
}

/** All inputs of a request, each in the state that `stateOf` gives. */
export function listFiles(
  { inputs, targets }: Pick<RecordedRequest, 'inputs' | 'targets'>,
  stateOf: (input: number) => FileState,
): SurveyedFile[] {
  return inputs.map(({ path, target }, input) => {
    return { input: path, output: targets[target]!.path, state: stateOf(input) };
  });
}
