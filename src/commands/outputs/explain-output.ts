// What `headpool explain --json` prints: one key, or the keys that a query attends most.
import * as z from 'zod';
import { count, outputOf } from './output.js';

/** JSON has no infinities and no NaN, so they are words in it. */
const number = z.union([z.number(), z.enum(['Infinity', '-Infinity', 'NaN'])]);

const place = {
  batch: count.describe('the sequence'),
  head: count,
  kvHead: count.describe('the key/value head that the head reads'),
  query: count,
  position: z.int().describe('of the query on the diagonal'),
};

const steps = z.strictObject({
  dot: number.describe('q·k'),
  scale: number,
  scaled: number,
  softcapped: number,
  alibi: number,
  bias: number,
  biased: number.describe('what the softmax takes where the key is attended'),
});

const explanation = {
  at: z.strictObject({ ...place, key: count }),
  steps: steps.exactOptional().describe('absent for a key that is padding'),
  allowed: z.boolean(),
  reason: z
    .enum(['length', 'causal', 'window', 'mask', 'bias'])
    .exactOptional()
    .describe('why it is left out'),
  because: z.string().exactOptional().describe('the reason in numbers'),
  maximum: number,
  logSumExp: number,
  sink: number.exactOptional(),
  probability: number,
  headScale: number.exactOptional(),
  rank: count.exactOptional().describe('among the attended keys, 1 = the largest weight'),
};

export const explainedKey = outputOf(1, explanation);

export const explainedQuery = outputOf(1, {
  at: z.strictObject(place),
  attended: count,
  leftOut: count,
  maximum: number,
  logSumExp: number,
  keys: z.array(z.strictObject(explanation)).describe('those with the largest weights'),
});
