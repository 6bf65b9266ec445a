// What `headpool run --json` prints and `--report` writes, and what a dry run prints.
import * as z from 'zod';
import { fileStates } from '../../runs/find-kept.js';
import { count, outputOf, texts, type Output } from './output.js';

const found = z.enum(fileStates);
const foundCounts = z
  .strictObject(
    Object.fromEntries(fileStates.map((state) => [state, count])) as Record<
      (typeof fileStates)[number],
      typeof count
    >,
  )
  .describe('how many files were in which state when the run began');
const nonFinite = z
  .strictObject({ numbers: count, sequences: count.describe('in which there are some') })
  .describe('NaN and infinities');

const input = z.strictObject({
  input: z.string(),
  output: z.string().nullable().describe('null if it was given up'),
  sequences: count.describe('of the input that were computed, by whichever run'),
  tokens: count,
  nonFinite,
  checksum: z
    .string()
    .nullable()
    .describe(
      'CRC-32 of the input, 8 hexadecimal digits; null of what is no file, or could not be read to its end',
    ),
  version: z.string().describe('of headpool, when it made the output'),
  kernel: z.string().describe('that made the output'),
  found: found.describe('what the run found when it began'),
});

const failure = z.strictObject({
  input: z.string(),
  sequence: count.nullable().describe('its number in the input, from 0; null for the whole input'),
  message: z.string(),
});

const leftOut = z.strictObject({
  path: z.string(),
  reason: z.enum([
    'another ending',
    'hidden',
    'a link to a folder',
    'not a regular file',
    'the output folder',
  ]),
});

export const runReport = outputOf(1, {
  outputs: texts,
  inputs: z.array(input),
  leftOut: z.array(leftOut).describe('found where inputs were looked for, and none'),
  found: foundCounts,
  gone: z
    .array(z.strictObject({ input: z.string(), output: z.string().nullable() }))
    .describe('inputs of earlier runs that are no longer there, and their outputs, which are'),
  sequences: count.describe('all of them, those of earlier runs included'),
  tokens: count,
  resumedSequences: count,
  nonFinite,
  failures: z.array(failure),
  elapsedMs: z.number().describe('of this run alone, like the figures below'),
  tokensPerSecond: z.number(),
  flop: z.number(),
  gflopPerSecond: z.number(),
  phaseMs: z.record(z.string(), z.number()),
  verified: z.strictObject({ files: count, bytes: count }).nullable(),
  kernel: z.string(),
  instructionSet: z.string(),
  threads: count,
  version: z.string().describe('of headpool'),
  node: z.string(),
  modelDim: count,
  heads: count,
  kvHeads: count,
  headDim: count,
});

/** Plain JSON. */
export type RunReport = Output<typeof runReport>;

export const dryRun = outputOf(1, {
  sequences: count,
  tokens: count,
  chunks: count,
  units: count,
  flop: z.number(),
  memoryBytes: count.describe('packed weights, working memory and buffers; without the process itself'),
  unknownInputs: texts.describe('inputs whose lengths are known only when they are read'),
  files: z
    .array(z.strictObject({ input: z.string(), output: z.string(), state: found }))
    .exactOptional()
    .describe('what an earlier run has left, with --resume'),
  found: foundCounts.exactOptional(),
});
