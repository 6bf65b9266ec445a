// How many tokens a run may hold at a time: what the memory that it is allowed has room for.
import { HeadpoolError } from '../core/errors.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import { findFormat } from '../files/sequences/formats.js';
import type { ChunkLimits } from './chunks.js';
import type { RunPlanner } from './planner.js';
import { widthOf, type RunRequest } from './request.js';

/** Chunks of more tokens are hardly faster: their units keep every worker busy already. */
export const usualChunkTokens = 16_384;

/** A quarter of what the machine, or the container, has. */
export function defaultMemoryBytes({ memoryBytes } = readMachineLimits()): number {
  return Math.floor(memoryBytes / 4);
}

export interface MemoryNeed {
  /** Weights as they are and as the kernels want them. */
  readonly fixedBytes: number;
  /** Buffers, text and working memory. */
  readonly tokenBytes: number;
}

/** What a run takes besides the process itself. */
export function needOf(request: RunRequest, planner: RunPlanner): MemoryNeed {
  const [few, many] = [1024, 2048];
  const workingBytes = (tokens: number): number => planner.plan([0, tokens]).workingBytes;
  // A plan takes milliseconds, which the first chunk waits for.
  const [ofFew, ofMany] = [workingBytes(few), workingBytes(many)];
  const slope = (ofMany - ofFew) / (many - few);
  const workingFixed = Math.max(0, ofFew - few * slope);
  const inputDim =
    widthOf(request, 'query') +
    (request.key === undefined ? 0 : widthOf(request, 'key')) +
    (request.value === undefined ? 0 : widthOf(request, 'value'));
  // Two sets of inputs, of which one is read while the other is computed, and two outputs, of which one is written.
  const bufferBytes = 4 * 2 * (inputDim + planner.outputDim);
  // Twice too: that of the chunk before stays until it is collected.
  const parsedBytes = readsText(request) ? 4 * 2 * inputDim : 0;
  const textBytes = writesText(request) ? longestNumber * 2 * planner.outputDim : 0;
  return {
    fixedBytes: 2 * planner.packedBytes + workingFixed,
    tokenBytes: slope + bufferBytes + parsedBytes + textBytes,
  };
}

/** Characters of a float32 as JSON, with its comma; hardly any takes more. */
const longestNumber = 16;

/** Whether rows are parsed, and so in memory once more, before they are put where they are computed. */
function readsText({ inputs }: RunRequest): boolean {
  return inputs.some(({ path, format = findFormat(path)?.name }) => format === 'jsonl');
}

/** Whether a whole chunk of rows is in memory as text. */
function writesText({ targets, pool }: RunRequest): boolean {
  return pool === undefined && targets.some(({ format }) => format === 'jsonl');
}

/**
 * @param batchTokens what was asked for; default `usualChunkTokens`, or what fits
 * @throws MEMORY_LIMIT if the memory has no room for a token, or for as many as were asked for
 */
export function chooseLimits(
  { fixedBytes, tokenBytes }: MemoryNeed,
  memoryBytes: number,
  batchTokens: number | undefined,
): ChunkLimits {
  const fitting = Math.floor((memoryBytes - fixedBytes) / tokenBytes);
  const wanted = batchTokens ?? Math.min(usualChunkTokens, Math.max(1, fitting));
  if (wanted > fitting) {
    const least = Math.ceil((fixedBytes + wanted * tokenBytes) / 1e6);
    throw new HeadpoolError(
      'MEMORY_LIMIT',
      `Expected at least ${least} MB for \`memory\`, which the weights and ${wanted} tokens need, got ${Math.floor(memoryBytes / 1e6)} MB`,
    );
  }
  return { mostTokens: wanted, mostSequenceTokens: fitting };
}
