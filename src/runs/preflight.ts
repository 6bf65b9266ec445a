// What can be known of a run before it: mistakes, which would else be found hours later, and what it will take. Headers
// are read, rows are not.
import { largestOf } from '../core/lists.js';
import { countTokens, offsetsOf } from '../files/sequences/layout.js';
import type { StreamPosition } from '../files/sequences/sequences.js';
import { ChunkSource, isDamage, tooLong, type ChunkLimits } from './chunks.js';
import type { InputSize } from './expect-outputs.js';
import { openInput } from './input.js';
import type { MemoryNeed } from './limits.js';
import type { RunPlanner } from './planner.js';
import { standardStream, type RunInput, type RunRequest } from './request.js';
import { createTargetEncoder } from './target.js';

/** More are checked as they come: opening many thousand files takes a while. */
const mostInputs = 4096;

export interface InputRules {
  readonly limits: ChunkLimits;
  /** Told the tokens of each sequence and of those that it attends, where headers tell them. */
  readonly checkLengths: (queries: readonly number[], keys: readonly number[]) => void;
}

/**
 * Resolves to what the inputs have whose headers tell it, by their numbers.
 * @throws INVALID_FILE, FILE_FAILED, INVALID_SHAPE where a file doesn't fit the weights or another file, MEMORY_LIMIT
 * where a sequence is too long for the memory allowed, unless damage is to be skipped; INVALID_OPTION where an output's
 * format can't hold an input; whatever `checkLengths` throws
 */
export async function checkInputs(
  request: RunRequest,
  { limits, checkLengths }: InputRules,
): Promise<ReadonlyMap<number, InputSize>> {
  const { targets, weights } = request;
  const modelDim = weights.output.weight.shape[0]!;
  const sizes = new Map<number, InputSize>();
  for (const [number, input] of request.inputs.slice(0, mostInputs).entries()) {
    if (input.path === standardStream) continue;
    try {
      const file = await openInput(request, input);
      await file.close();
      const { layout, form } = file.stream;
      if (layout === undefined) continue;
      const { lengths } = layout;
      const keyLengths = file.keyLengths ?? lengths;
      checkLengths(lengths, keyLengths);
      refuseTooLong(input, limits, { lengths, keyLengths, isSkipped: request.onError === 'skip' });
      sizes.set(number, input.range ?? { sequences: lengths.length, tokens: countTokens(lengths) });
      // What comes from several files has no form that one of them could tell.
      if (request.inputs.length > targets.length) continue;
      const rows = { form, layout, modelDim, metadata: new Map<string, string>() };
      await createTargetEncoder(request, targets[input.target]!, rows);
    } catch (error) {
      if (!isDamage(error) || request.onError === 'stop') throw error;
    }
  }
  return sizes;
}

interface CheckedLengths {
  readonly lengths: readonly number[];
  readonly keyLengths: readonly number[];
  /** Whether a sequence that is too long is left out by itself. */
  readonly isSkipped: boolean;
}

/** @throws MEMORY_LIMIT */
function refuseTooLong(
  { path }: RunInput,
  limits: ChunkLimits,
  { lengths, keyLengths, isSkipped }: CheckedLengths,
): void {
  if (isSkipped || largestOf(keyLengths, largestOf(lengths)) <= limits.mostSequenceTokens) return;
  for (const [sequence, tokens] of lengths.entries()) {
    const error = tooLong(limits, { path, sequence, tokens: Math.max(tokens, keyLengths[sequence] ?? 0) });
    if (error !== undefined) throw error;
  }
}

/** Of the inputs whose headers tell their lengths. */
export interface RunEstimate {
  readonly sequences: number;
  readonly tokens: number;
  readonly chunks: number;
  readonly units: number;
  readonly flop: number;
  /** Packed weights, working memory and buffers; without the process itself. */
  readonly memoryBytes: number;
  /** Inputs whose lengths are known only when they are read. */
  readonly unknownInputs: readonly string[];
}

export interface EstimatedRun {
  readonly planner: RunPlanner;
  readonly limits: ChunkLimits;
  readonly need: MemoryNeed;
  /** Where each input goes on; undefined for one that is done. */
  readonly placeOf: (input: number) => StreamPosition | undefined;
}

/** @throws INVALID_FILE, INVALID_SHAPE, INVALID_OPTION as the run itself would */
export async function estimateRun(
  request: RunRequest,
  { planner, limits, need, placeOf }: EstimatedRun,
): Promise<RunEstimate> {
  const [known, unknown] = await sortInputs(request, placeOf);
  const source = new ChunkSource(
    { ...request, inputs: known.map(({ input }) => input) },
    limits,
    known.map(({ start }) => ({ start })),
  );
  const total = { sequences: 0, tokens: 0, chunks: 0, units: 0, flop: 0 };
  let mostTokens = 0;
  try {
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      const spans = chunk.portions.flatMap((portion) => portion.spans);
      const lengths = spans.flatMap(({ query }) => query.lengths);
      const keyLengths = spans.flatMap(({ key, query }) => (key ?? query).lengths);
      const { units, flop } = planner.plan(offsetsOf(lengths), offsetsOf(keyLengths));
      const tokens = countTokens(lengths);
      mostTokens = Math.max(mostTokens, tokens, countTokens(keyLengths));
      total.sequences += lengths.length;
      total.tokens += tokens;
      total.chunks++;
      total.units += units;
      total.flop += flop;
    }
  } finally {
    await source.close();
  }
  if (unknown.length > 0) mostTokens = Math.max(mostTokens, limits.mostTokens);
  const memoryBytes = Math.ceil(need.fixedBytes + mostTokens * need.tokenBytes);
  return { ...total, memoryBytes, unknownInputs: unknown.map(({ input }) => input.path) };
}

interface OpenedInput {
  readonly input: RunInput;
  readonly start: StreamPosition;
}

/** Those that are not done, by whether their headers tell their lengths. */
async function sortInputs(
  request: RunRequest,
  placeOf: EstimatedRun['placeOf'],
): Promise<readonly [OpenedInput[], OpenedInput[]]> {
  const [known, unknown]: [OpenedInput[], OpenedInput[]] = [[], []];
  for (const [number, input] of request.inputs.entries()) {
    const start = placeOf(number);
    if (start === undefined) continue;
    ((await tellsLengths(request, input)) ? known : unknown).push({ input, start });
  }
  return [known, unknown];
}

/** Of what can't be read and is to be left out, yes: there is nothing to come. */
async function tellsLengths(request: RunRequest, input: RunInput): Promise<boolean> {
  // Nothing is read from standard input that the run itself would miss.
  if (input.path === standardStream) return false;
  try {
    const file = await openInput(request, input);
    await file.close();
    return file.stream.layout !== undefined;
  } catch (error) {
    if (!isDamage(error) || request.onError === 'stop') throw error;
    return true;
  }
}
