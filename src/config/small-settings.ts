// The settings of the commands that have few of their own: explain, layers, verify, info, completion, shards, merge,
// make-sequences and make-weights.
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';
import { attentionSettings, checkAttention } from './attention-settings.js';
import { device, grouped, heads, kernel, path, paths, threads } from './shared-settings.js';
import { tensorSettings } from './tensor-settings.js';

const index = z.int().min(0);

/** One query of one head, and the layer around it. */
export const createExplainSettings = () =>
  z
    .strictObject({
      ...grouped('Input', {
        input: path.describe('.npy, .npz or .safetensors file of sequences'),
        ...tensorSettings(),
        keyInput: path
          .optional()
          .describe('sequences to attend (cross-attention); default: the input itself'),
      }),
      ...grouped('Query', {
        sequence: index.default(0).describe('which sequence of the file, from 0'),
        head: index.describe('which head, from 0'),
        query: index.describe('which token of the sequence attends, from 0'),
        key: index
          .optional()
          .describe('which token is attended, from 0; default: those with the largest weights'),
      }),
      ...attentionSettings(),
    })
    .superRefine(checkAttention);

/** Suites of cases, and the kernels that must pass them. */
export const createVerifySettings = () =>
  z.strictObject({
    dirs: paths.describe('folders with a cases.json, at least one; what else is among them is ignored'),
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
    output: path.describe('file to write: .safetensors, .npy, .jsonl, .arrow or .parquet'),
    sequences: z.int().min(1).default(256).describe('number of sequences'),
    minLength: z.int().min(0).default(16).describe('tokens of the shortest sequence'),
    maxLength: z.int().min(1).default(1024).describe('tokens of the longest sequence'),
    modelDim,
    seed,
    ifMissing,
  });

/** The weights of a random layer. */
export const createMakeWeightsSettings = () =>
  z
    .strictObject({
      output: path.describe('.safetensors file to write'),
      modelDim,
      heads,
      kvHeads: z.int().min(1).optional().describe('key/value heads, a divisor of heads; default: heads'),
      seed,
      ifMissing,
    })
    .superRefine(({ output }, context) => {
      if (/\.safetensors$/i.test(output)) return;
      const message = 'a path that ends in .safetensors';
      context.addIssue({ code: 'custom', path: ['output'], message });
    });

const shardedOutput = path.describe('output of the run: a file, or a folder');

/** The shards of a run. */
export const createShardsSettings = () =>
  z.strictObject({
    output: shardedOutput,
    remove: z
      .boolean()
      .default(false)
      .describe('forget the shards: remove their parts, their manifests and the cut; the output stays'),
  });

/** The output that shards make together. */
export const createMergeSettings = () =>
  z.strictObject({
    output: shardedOutput,
    restart: z.boolean().default(false).describe('forget unfinished work of another run at the output'),
  });

/** A checkpoint to look into. */
export const createLayersSettings = () =>
  z.strictObject({
    checkpoint: path.describe('a .safetensors file, a .safetensors.index.json, or a folder with either'),
  });

/** Shells that complete what is typed, each by a script in its own language. */
export const shells = ['bash', 'zsh', 'fish'] as const;

export const createCompletionSettings = () =>
  z.strictObject({ shell: z.enum(shells).describe('whose script is printed') });
