// The settings of `headpool run`: what is read, computed and written, and what to do about trouble.
import * as z from 'zod';
import { mostShards } from '../cluster/cut-file.js';
import { poolings } from '../runs/request.js';
import { nonFiniteChoices } from '../runs/non-finite.js';
import { inputFormats, writableFormats } from '../files/sequences/sequences.js';
import { dtypes } from '../core/tensor/dtype.js';
import { attentionSettings, checkAttention, type AttentionSettings } from './attention-settings.js';
import { byteSize } from './byte-size.js';
import { checkTogether, device, grouped, kernel, path, paths, threads } from './shared-settings.js';
import { tensorSettings } from './tensor-settings.js';

export const createRunSettings = () => createRunShape().superRefine(checkRun);

/** The settings alone, for commands that have some of them. */
export const createRunShape = () =>
  z.strictObject({
    ...grouped('Input', {
      input: paths.describe(
        'files, folders with all below them, or globs of sequences (.safetensors, .npy, .npz, .jsonl, .arrow, .parquet; .npy and .jsonl inside .gz and .zst too); - is standard input',
      ),
      inputFormat: z.enum(inputFormats).default('jsonl').describe('format of standard input'),
      ...tensorSettings(),
      field: z
        .string()
        .optional()
        .refine((name) => name !== 'id' && name !== 'tokens', 'a name other than id and tokens')
        .describe('field of .jsonl with the rows; default: x'),
      keepFields: z
        .boolean()
        .default(false)
        .describe('write the other fields of .jsonl to the output, which is .jsonl too'),
      nonFinite: z
        .enum(nonFiniteChoices)
        .default('keep')
        .describe(
          'what to do about NaN and infinities in inputs: keep and count them, or take them for damage',
        ),
      key: path.optional().describe('sequences to attend (cross-attention); default: the input itself'),
      keyTensor: z.string().optional().describe('tensor of the keys, if their file has several'),
      keyLengths: z.string().optional().describe('tensor of their lengths, or a mask of them'),
      value: path.optional().describe('their values, if they are not the keys'),
      valueTensor: z.string().optional().describe('tensor of the values, if their file has several'),
      embedding: path.optional().describe('.safetensors file of rows for the token ids of .jsonl'),
      embeddingTensor: z.string().default('embedding').describe('its tensor [vocabulary, modelDim]'),
      positionTensor: z
        .string()
        .optional()
        .describe('its tensor [most tokens, modelDim] that is added by position; default: none'),
    }),
    ...grouped('Output', {
      output: path.describe(
        'file to write, or a folder for a file of each input, in folders like theirs; - is standard output (.jsonl, .arrow)',
      ),
      outputFormat: z
        .enum(writableFormats)
        .optional()
        .describe("default: what the output's extension says, or the input's format"),
      dtype: z.enum(dtypes).default('f32').describe('numbers of the output'),
      pool: z.enum(poolings).optional().describe('write one row a sequence instead of one a token'),
      statistics: z
        .boolean()
        .default(false)
        .describe('write what heads attend beside each output (.statistics.jsonl)'),
      report: path.optional().describe('file for the summary as JSON; its folder is made'),
    }),
    ...attentionSettings(),
    ...grouped('Shards', {
      shard: z
        .string()
        .optional()
        .refine(
          (text) => text === undefined || /^(auto|\d+\/\d+)$/.test(text),
          'a shard such as 3/16, or auto',
        )
        .describe(
          'compute one shard of the run, such as 3/16, beside others on other machines; auto: by SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX',
        ),
      shards: z
        .int()
        .min(1)
        .max(mostShards)
        .optional()
        .describe('how many shards there are, where the environment tells only which this is'),
    }),
    ...grouped('Machine', {
      threads,
      kernel,
      isa: z
        .string()
        .optional()
        .describe('instruction set of the native kernel, as `headpool info` names it; default: the best'),
      device,
      memory: z
        .string()
        .regex(byteSize)
        .optional()
        .describe(
          'most memory for weights, rows and working memory, e.g. 500MB or 2GiB; default: a quarter of what the process may use',
        ),
      batchTokens: z
        .int()
        .min(1)
        .optional()
        .describe('tokens computed at a time; default: 16384, or what the memory has room for'),
    }),
    ...grouped('Trouble and recovery', {
      onError: z
        .enum(['stop', 'skip'])
        .default('stop')
        .describe(
          'what to do about a damaged file or sequence; skipped ones are listed, and the exit code is 3',
        ),
      resume: z
        .union([z.boolean(), z.enum(['mixed'])])
        .default(false)
        .describe(
          'go on where an earlier run stopped, if there was one, and in a folder with what is new or changed; mixed: after another version or kernel too',
        ),
      takeOver: z
        .boolean()
        .default(false)
        .describe('go on in the place of a run of another host that gives no sign of life for 90 seconds'),
      restart: z.boolean().default(false).describe('forget what an earlier run has done'),
      verifyOutput: z.boolean().default(false).describe('read the outputs again and check them'),
      dryRun: z
        .boolean()
        .default(false)
        .describe('say what would be computed, with --resume file by file, and stop'),
    }),
  });

type RunShape = z.output<ReturnType<typeof createRunShape>>;

/** What they demand of each other, of those that a command has. */
export function checkRun(
  settings: AttentionSettings & Partial<RunShape>,
  context: z.core.$RefinementCtx,
): void {
  checkAttention(settings, context);
  checkTogether(settings, context, {
    apart: [
      ['resume', 'restart'],
      ['dryRun', 'shard'],
      ['dryRun', 'shards'],
    ],
    needs: [
      ['keyTensor', 'key'],
      ['keyLengths', 'key'],
      ['valueTensor', 'value'],
    ],
  });
}
