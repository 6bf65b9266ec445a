// What a run will take, without running it: headers are read, rows are not.
import { countTokens, offsetsOf } from '../files/sequences/layout.js';
import { ChunkSource, type ChunkLimits } from './chunks.js';
import { openInput } from './input.js';
import type { MemoryNeed } from './limits.js';
import type { RunPlanner } from './planner.js';
import { standardStream, type RunInput, type RunRequest } from './request.js';

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

/** @throws INVALID_FILE, INVALID_SHAPE, INVALID_OPTION as the run itself would */
export async function estimateRun(
  request: RunRequest,
  planner: RunPlanner,
  { limits, need }: { readonly limits: ChunkLimits; readonly need: MemoryNeed },
): Promise<RunEstimate> {
  const [known, unknown] = await sortInputs(request);
  const source = new ChunkSource(
    { ...request, inputs: known },
    limits,
    known.map(() => ({})),
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
  return { ...total, memoryBytes, unknownInputs: unknown.map(({ path }) => path) };
}

async function sortInputs(request: RunRequest): Promise<readonly [RunInput[], RunInput[]]> {
  const [known, unknown]: [RunInput[], RunInput[]] = [[], []];
  for (const input of request.inputs) {
    // Nothing is read from standard input that the run itself would miss.
    const file = input.path === standardStream ? undefined : await openInput(request, input);
    (file?.stream.layout === undefined ? unknown : known).push(input);
    await file?.close();
  }
  return [known, unknown];
}
