// Cuts a run into shards of about the same work, by its inputs and the number of shards alone: whichever machine cuts it
// comes to the same. Headers are read; large files whose headers tell no lengths are gone through.
import { mapAtOnce } from '../core/at-once.js';
import type { InputRange, RunRequest } from '../runs/request.js';
import type { RunPlanner } from '../runs/planner.js';
import type { SequenceForm } from '../files/sequences/sequences.js';
import { cutEvenly } from './cut-evenly.js';
import { isSplittable, walkInput, weighInput, type Piece, type WeighedInput } from './weigh-input.js';
import { FlopWeights } from './weights.js';

/** What a shard has of an input. */
export interface ShardInput {
  /** Number of the input in the run. */
  readonly input: number;
  /** Absent if it is all of it. */
  readonly range?: InputRange;
}

/** How much a shard has to do; guesses where headers tell no lengths. */
export interface ShardWork {
  readonly flop: number;
  readonly tokens: number;
}

export interface RunCut {
  /** Of each shard, in the order of the inputs. */
  readonly shards: readonly (readonly ShardInput[])[];
  /** Of each shard. */
  readonly works: readonly ShardWork[];
  /** Of each input; absent where it can't be read. */
  readonly forms: readonly (SequenceForm | undefined)[];
}

/** Inputs that are open at once: the more wait, the less often threads have to be woken. */
const atOnce = 64;

/** A file of unknown lengths stays whole if it is less than this part of a shard. */
const smallShare = 1 / 4;

/** @throws INVALID_FILE, FILE_FAILED, INVALID_SHAPE as the run itself would, unless damage is to be skipped */
export async function cutRun(request: RunRequest, planner: RunPlanner, shards: number): Promise<RunCut> {
  const weights = new FlopWeights(planner);
  const { inputs } = request;
  const weighed = await mapAtOnce(inputs, atOnce, (input) => weighInput(request, input, weights));
  const share = totalOf(weighed) / shards;
  for (const [number, { isGuess = false, pieces }] of weighed.entries()) {
    const isLarge = shards > 1 && weightOf(pieces) > smallShare * share;
    if (!isGuess || !isLarge || !isSplittable(request, inputs[number]!)) continue;
    weighed[number] = await walkInput(request, inputs[number]!, weights);
  }
  return { ...divide(weighed, shards), forms: weighed.map(({ form }) => form) };
}

function divide(weighed: readonly WeighedInput[], shards: number): Pick<RunCut, 'shards' | 'works'> {
  const bounds = cutEvenly(weightsOf(weighed), totalOf(weighed), shards);
  const parts: ShardInput[][] = bounds.slice(1).map(() => []);
  const works = parts.map(() => ({ flop: 0, tokens: 0 }));
  let [shard, first] = [0, 0];
  for (const [input, { pieces }] of weighed.entries()) {
    const last = first + pieces.length;
    // Of no pieces too: somebody must write that there are none.
    let begin = first;
    do {
      while (shard < shards - 1 && bounds[shard + 1]! <= begin) shard++;
      const end = shard === shards - 1 ? last : Math.min(last, bounds[shard + 1]!);
      parts[shard]!.push({ input, ...rangeOf(pieces, begin - first, end - first) });
      for (const { weight, tokens } of pieces.slice(begin - first, end - first)) {
        works[shard]!.flop += weight;
        works[shard]!.tokens += tokens;
      }
      begin = end;
    } while (begin < last);
    first = last;
  }
  return { shards: parts, works };
}

/** Pieces `first` … `end - 1` of an input as a range; nothing if these are all. */
function rangeOf(pieces: readonly Piece[], first: number, end: number): { readonly range?: InputRange } {
  if (first === 0 && end === pieces.length) return {};
  const start = pieces[first - 1]?.end ?? { sequence: 0 };
  const behind = pieces[end - 1]!.end!;
  const tokens = pieces.slice(first, end).reduce((sum, piece) => sum + piece.tokens, 0);
  const sequences = behind.sequence - start.sequence;
  return { range: { start, sequences, tokens, isLast: end === pieces.length } };
}

function* weightsOf(weighed: readonly WeighedInput[]): Generator<number> {
  for (const { pieces } of weighed) for (const { weight } of pieces) yield weight;
}

function totalOf(weighed: readonly WeighedInput[]): number {
  let total = 0;
  for (const weight of weightsOf(weighed)) total += weight;
  return total;
}

function weightOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { weight }) => sum + weight, 0);
}
