// Which inputs an earlier run has done, or begun, so that what it wrote of them can be kept.
import { exists } from '../files/open-file.js';
import { differenceOf, differentRun, makerDifference } from './compare-runs.js';
import { restartable } from './restartable.js';
import type { EarlierRun } from './earlier-run.js';
import { firstDifference } from './first-difference.js';
import type { RunIdentity } from './identity.js';
import { findMissing } from './left-files.js';
import { isOfInput } from './chunks.js';
import type { RecordedRequest } from './request.js';

// prettier-ignore
export const fileStates = ['done', 'unfinished', 'new', 'changed', 'output missing', 'other maker', 'failed', 'gone'] as const;
/**
 * - done, unfinished: what was written stays
 * - new, changed, output missing, other maker: computed from the start; the last was begun by another version or kernel
 * - failed: left out; tried again where an output is missing for that
 * - gone: the input is no longer there, its output stays
 */
export type FileState = (typeof fileStates)[number];

/** What of an earlier run stays. */
export interface Kept {
  /** Of each input of this run. */
  readonly states: readonly FileState[];
  /** Numbers of this run by those of the earlier one: of inputs, and in a folder of outputs too. */
  readonly inputs: ReadonlyMap<number, number>;
  readonly targets: ReadonlyMap<number, number>;
  /** Numbers of the earlier run. */
  readonly gone: readonly number[];
}

export interface Comparison {
  /** Of the manifest. */
  readonly path: string;
  readonly identity: RunIdentity;
  readonly earlier: EarlierRun;
  /** Whether outputs of other versions and kernels may stay. */
  readonly isMixed: boolean;
}

const goesOnMixed = '`--resume mixed` goes on all the same, `--restart` begins anew';

const isKept: ReadonlySet<FileState> = new Set<FileState>(['done', 'unfinished']);

/**
 * @throws INVALID_OPTION if another version or kernel made what would be kept and that may not be; or, of a single
 * output, if an input is another one, or INVALID_FILE if what was written of it has gone
 */
export function findKept({ folder }: Pick<RecordedRequest, 'folder'>, comparison: Comparison): Promise<Kept> {
  return folder === undefined ? findKeptOfOne(comparison) : findKeptOfFolder(comparison);
}

/** Of a single output all is kept or nothing. */
async function findKeptOfOne(comparison: Comparison): Promise<Kept> {
  const { path, identity, earlier } = comparison;
  const { run, state } = earlier;
  const paths = [run, identity].map(({ inputs }) =>
    inputs.map(({ path: from, range }) => (range ? { path: from, range } : from)),
  );
  const difference = firstDifference(paths[0], paths[1], 'inputs');
  if (difference !== undefined) throw differentRun(path, difference);
  for (const [input, file] of identity.inputs.entries()) {
    const { isBegun, checksum } = state.inputs[input]!;
    if (!isBegun) continue;
    const change = await differenceOf({ ...run.inputs[input]!, ...(checksum !== undefined && { checksum }) }, file, `inputs[${input}]`); // prettier-ignore
    if (change !== undefined) throw differentRun(path, change);
  }
  const isGivenUp = state.isFinished(0) && state.finishOf(0) === undefined;
  const isOther = checkMaker(comparison, 0, 0);
  if (isOther && !state.isFinished(0)) {
    return { states: identity.inputs.map(() => 'other maker'), ...nothing };
  }
  const missing = isGivenUp ? undefined : await findMissing(earlier.targets[0]!, 0, state);
  if (missing !== undefined) throw restartable(missing);
  const failed = new Set(state.failures.filter(isOfInput).map(({ input }) => input));
  const states = state.inputs.map(({ place, isBegun }, input): FileState => {
    return failed.has(input) ? 'failed' : place === undefined ? 'done' : isBegun ? 'unfinished' : 'new';
  });
  const inputs = new Map(states.map((_, input) => [input, input]));
  return { states, inputs, targets: new Map([[0, 0]]), gone: [] };
}

const nothing = { inputs: new Map<number, number>(), targets: new Map<number, number>(), gone: [] } as const;

/** Of a folder each output is kept or not, by itself. */
async function findKeptOfFolder(comparison: Comparison): Promise<Kept> {
  const { identity, earlier } = comparison;
  const numbers = new Map(earlier.run.outputs.map(({ path }, number) => [path, number]));
  const kept = new Map<number, number>();
  const states: FileState[] = [];
  for (const [now, { path }] of identity.outputs.entries()) {
    const before = numbers.get(path);
    numbers.delete(path);
    const state = before === undefined ? 'new' : await stateOf(comparison, before, now);
    states.push(state);
    if (before !== undefined && isKept.has(state)) kept.set(before, now);
  }
  const gone: number[] = [];
  for (const number of numbers.values()) {
    if (earlier.state.finishOf(number) !== undefined && (await exists(earlier.targets[number]!.path))) {
      kept.set(number, identity.outputs.length + gone.length);
      gone.push(number);
    }
  }
  return { states, inputs: kept, targets: kept, gone };
}

async function stateOf(comparison: Comparison, before: number, now: number): Promise<FileState> {
  const { identity, earlier } = comparison;
  const { run, state, targets } = earlier;
  const { isBegun, checksum } = state.inputs[before]!;
  if (!isBegun) return 'new';
  const isFinished = state.isFinished(before);
  if (isFinished && state.finishOf(before) === undefined) return 'failed';
  const file = { ...run.inputs[before]!, ...(checksum !== undefined && { checksum }) };
  if ((await differenceOf(file, identity.inputs[now]!)) !== undefined) return 'changed';
  // Rows may be named after the path.
  if (!isFinished && file.path !== identity.inputs[now]!.path) return 'changed';
  if ((await findMissing(targets[before]!, before, state)) !== undefined) return 'output missing';
  const isOther = checkMaker(comparison, before, now);
  return isFinished ? 'done' : isOther ? 'other maker' : 'unfinished';
}

/** Whether another version or kernel made an output. @throws INVALID_OPTION if it may not be kept for that */
function checkMaker({ path, identity, earlier, isMixed }: Comparison, before: number, now: number): boolean {
  if (earlier.state.chunks === 0) return false;
  const difference = makerDifference(earlier.run.outputs[before]!, identity.outputs[now]!);
  if (difference !== undefined && !isMixed) throw differentRun(path, difference, goesOnMixed);
  return difference !== undefined;
}
