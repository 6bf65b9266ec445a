// The settings of the commands that have few of their own: explain, layers, verify, info, make-sequences and make-weights.
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';
import { attentionSettings, checkAttention } from './attention-settings.js';
import { device, heads, kernel, threads } from './shared-settings.js';
import { tensorSettings } from './tensor-settings.js';

const index = z.int().min(0);

/** One query of one head, and the layer around it. */
export const createExplainSettings = () =>
  z
    .strictObject({
      input: z.string().describe('.npy, .npz or .safetensors file of sequences'),
      ...tensorSettings(),
      keyInput: z
        .string()
        .optional()
        .describe('sequences to attend (cross-attention); default: the input itself'),
      sequence: index.default(0).describe('which sequence of the file, from 0'),
      head: index.describe('which head, from 0'),
      query: index.describe('which token of the sequence attends, from 0'),
      key: index
        .optional()
        .describe('which token is attended, from 0; default: those with the largest weights'),
      ...attentionSettings(),
    })
    .superRefine(checkAttention);

/** Suites of cases, and the kernels that must pass them. */
export const createVerifySettings = () =>
  z.strictObject({
    dirs: z
      .array(z.string())
      .min(1)
      .describe('folders with a cases.json, at least one; what else is among them is ignored'),
    kernel: z
      .enum(['auto', ...kernelNames])
      .optional()
      .describe('kernel to verify; default: every one that can run here, of a GPU the best'),
    device,
    threads,
  });

export const createInfoSettings = () => z.strictObject({ threads, kernel, device });

const modelDim = z.int().min(1).describe('width of a token');
const seed = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0)
  .describe('seed of the random numbers');
const ifMissing = z.boolean().default(false).describe('do nothing if the output exists');

/** A file of random sequences. */
export const createMakeSequencesSettings = () =>
  z.strictObject({
    output: z.string().describe('file to write: .safetensors, .npy, .jsonl, .arrow or .parquet'),
    sequences: z.int().min(1).default(256).describe('number of sequences'),
    minLength: z.int().min(0).default(16).describe('tokens of the shortest sequence'),
    maxLength: z.int().min(1).default(1024).describe('tokens of the longest sequence'),
    modelDim,
    seed,
    ifMissing,
  });

/** The weights of a random layer. */
export const createMakeWeightsSettings = () =>
  z.strictObject({
    output: z.string().describe('.safetensors file to write'),
    modelDim,
    heads,
    kvHeads: z.int().min(1).optional().describe('key/value heads, a divisor of heads; default: heads'),
    seed,
    ifMissing,
  });

/** A checkpoint to look into. */
export const createLayersSettings = () =>
  z.strictObject({
    checkpoint: z
      .string()
      .describe('a .safetensors file, a .safetensors.index.json, or a folder with either'),
  });
