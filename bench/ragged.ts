// What ragged lengths cost: 10,000 sequences of 8 to 4,096 tokens through the batch runner, from file to file, in
// alternating pairs with sequences of one length. That length is the mean length that a token sees, Σ T² / Σ T, so both
// files have as many tokens and as much work in projections and in attention. modelDim 128, 4 heads; FLOP by
// 8·T·d² + 4·T²·d.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { usualChunkTokens } from '../src/runs/limits.js';
import { createEngine, type EngineOptions } from '../src/index.js';
import { formatCount, formatDuration } from '../src/page/figures.js';
import { createRandom } from '../src/core/tensor/random.js';
import { comparePairs } from '../src/measure/pairs.js';
import { readArguments } from './helpers/arguments.js';
import { runBatch } from './helpers/batch-run.js';
import { openFolder, requireSpace } from './helpers/disk.js';
import { layerFlop, layerWeights } from './helpers/layer.js';
import { formatRate, formatMedian, noteNoisy, progress, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';
import { checkOutput, writeSequences } from './helpers/sequence-files.js';

const modelDim = 128;
const heads = 4;
const mostTime = 1.1;

interface Case {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly tokens: number;
  readonly flop: number;
  /** What the engine counted: padded batches would show. */
  readonly counted: number;
  readonly run: () => Promise<void>;
}

enableRelaxedSimd();
const args = readArguments('Sequences of ragged lengths against as much work in equal ones.', {
  sequences: 10_000,
  shortest: 8,
  longest: 4096,
  seconds: 60,
  pairs: 3,
  folder: '',
  kernel: 'auto',
  threads: availableParallelism(),
  batchTokens: usualChunkTokens,
});
const { json, sequences, shortest, longest, seconds, pairs, threads, batchTokens } = args;
const kernel = args.kernel as NonNullable<EngineOptions['kernel']>;
const raggedLengths = drawLengths(sequences);
const equalLengths = equaliseLengths(raggedLengths);
const folder = await mkdtemp(join(await openFolder(args.folder), 'ragged-'));
try {
  // Two inputs, and an output while there is the one before.
  await requireSpace(folder, 4.2 * sum(raggedLengths) * modelDim * Float32Array.BYTES_PER_ELEMENT);
  await using engine = await createEngine({ threads, kernel });
  const weights = layerWeights({ modelDim, heads });
  using layer = await engine.multiHeadAttention({ heads, weights });
  const limits = { mostTokens: batchTokens, mostSequenceTokens: longest };

  /** Writes a file, and checks its first run. */
  const prepare = async (name: string, lengths: readonly number[]): Promise<Case> => {
    progress(`writes and checks sequences of ${name} lengths`);
    const input = join(folder, `${name}.safetensors`);
    const output = join(folder, 'y.safetensors');
    await writeSequences(input, { lengths, modelDim, seed: 1 });
    const run = (): Promise<void> => runBatch({ engine, layer, weights, input, output, limits });
    const before = engine.stats().flop;
    await run();
    const counted = engine.stats().flop - before;
    await checkOutput({ input, output, weights, heads });
    const flop = sum(lengths.map((tokens) => layerFlop({ modelDim, tokens })));
    return { name, lengths, tokens: sum(lengths), flop, counted, run };
  };
  const equal = await prepare('equal', equalLengths);
  const ragged = await prepare('ragged', raggedLengths);
  progress('measures');
  const found = await comparePairs({ ours: equal.run, theirs: ragged.run, seconds, leastPairs: pairs });
  const { ratio, control } = found;
  // For the same FLOP, with the deviation of the control put on: what a claim may rest on.
  const deviation = Math.max(control.median, 1 / control.median);
  const safeTime = (ratio.median * deviation * equal.flop) / ragged.flop;

  report(
    {
      benchmark: 'ragged',
      engines: [engine.info],
      table: [
        ['lengths', 'sequences', 'tokens', 'TFLOP', 'counted', 'median', 'p10', 'p90', 'GFLOP/s'],
        ...[
          { ...equal, ms: found.ours },
          { ...ragged, ms: found.theirs },
        ].map(({ name, lengths, tokens, flop, counted, ms }) => [
          ...[name, formatCount(lengths.length), formatCount(tokens)],
          ...[(flop / 1e12).toFixed(3), `${(counted / flop).toFixed(3)}x`],
          ...[ms.median, ms.p10, ms.p90].map(formatDuration),
          formatRate(flop, ms.median),
        ]),
      ],
      notes: [
        `${formatCount(sequences)} lengths from ${shortest} to ${longest}, T with a density of T^-1.5 (half of them under ` +
          `${sortedMiddle(raggedLengths)}), against ${formatCount(equalLengths[0]!)} tokens each; chunks of ${batchTokens} tokens, ` +
          `${threads} workers`,
        `Time of ragged lengths over equal ones ${formatMedian(ratio)} in ${found.ours.count} pairs, ` +
          `control ${formatMedian(control)}; counted are the engine's own FLOP, in which padded batches would show`,
        ...noteNoisy([{ name: 'ragged', control }]),
      ],
      bars: [
        {
          name: 'time of ragged lengths for the same FLOP, with the deviation of the control',
          found: `${safeTime.toFixed(3)}x`,
          wanted: `at most ${mostTime}x`,
          isMet: safeTime <= mostTime,
        },
      ],
      figures: {
        cost: { ...found, safeTime },
        equal: figuresOf(equal),
        ragged: figuresOf(ragged),
        threads,
        batchTokens,
      },
    },
    { json },
  );
} finally {
  await rm(folder, { recursive: true });
}

/**
 * Many short sequences, and a few long ones that most of the work is in: between a uniform logarithm, of which 10,000
 * would take minutes, and lengths so short that attention hardly counts.
 */
function drawLengths(count: number): number[] {
  const random = createRandom(1);
  const [most, least] = [shortest ** -0.5, longest ** -0.5];
  return Array.from({ length: count }, () => Math.round((most - random.uniform() * (most - least)) ** -2));
}

function equaliseLengths(lengths: readonly number[]): number[] {
  const tokens = sum(lengths);
  const length = Math.round(sum(lengths.map((each) => each ** 2)) / tokens);
  return new Array<number>(Math.max(1, Math.round(tokens / length))).fill(length);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sortedMiddle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function figuresOf({ lengths, tokens, flop, counted }: Case): object {
  return { sequences: lengths.length, tokens, flop, counted };
}
