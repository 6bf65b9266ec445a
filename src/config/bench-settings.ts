// The settings of `headpool bench`: lists whose values are multiplied, how long to measure, and where results go.
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';
import { benchModes } from '../measure/grid/results.js';
import { dtypes } from '../core/tensor/dtype.js';
import { byteSize } from './byte-size.js';

// Of one number: far more than memory has room for, and few enough that products of them are exact.
const most = { tokens: 2 ** 24, batch: 2 ** 16, heads: 2 ** 12, width: 2 ** 17 };

const counts = (largest: number): z.ZodArray<z.ZodInt> => z.array(z.int().min(1).max(largest)).min(1);

export const createBenchSettings = () =>
  z
    .strictObject({
      mode: z
        .array(z.enum(benchModes))
        .min(1)
        .default(['layer'])
        .describe(
          'what a call computes: layer,attention,decode; decode is one token after `tokens` cached ones',
        ),
      heads: counts(most.heads).default([8]).describe('attention heads'),
      modelDim: counts(most.width)
        .optional()
        .describe('widths of a token; default: 512, or heads * headDim where that is given'),
      headDim: counts(most.width).optional().describe('widths of a head, instead of modelDim'),
      kvHeads: counts(most.heads)
        .optional()
        .describe('key/value heads; default: heads; left out where they do not divide the heads'),
      tokens: counts(most.tokens).default([128, 512, 2048]).describe('tokens of a sequence'),
      batch: counts(most.batch).default([1]).describe('sequences of a call'),
      causal: z.array(z.boolean()).min(1).default([false]).describe('attend no later tokens: false,true'),
      window: z
        .array(z.union([z.int().min(0).max(most.tokens), z.enum(['none'])]))
        .min(1)
        .default(['none'])
        .describe('earlier tokens that a query attends: none,256'),
      dtype: z
        .array(z.enum(dtypes))
        .min(1)
        .default(['f32'])
        .describe('numbers of the inputs, of the cache in mode decode: f32,f16,bf16'),
      kernel: z
        .array(z.enum(['auto', ...kernelNames]))
        .min(1)
        .default(['auto'])
        .describe('which kernels compute: auto,native,wasm,reference'),
      threads: counts(1024).optional().describe('worker threads; default: all cores'),
      seconds: z
        .number()
        .positive()
        .max(3600)
        .default(2)
        .describe('how long a cell is sampled, over all rounds'),
      rounds: z
        .int()
        .min(1)
        .max(1000)
        .default(5)
        .describe(
          'how often the grid is gone through, so that whatever slows the machine down hits all cells',
        ),
      maxMemory: z
        .string()
        .regex(byteSize)
        .optional()
        .describe('most memory of a cell, e.g. 500MB or 2GiB; default: half of the machine'),
      maxMinutes: z.number().positive().default(30).describe('refuse a grid that would take longer'),
      title: z.string().default('headpool bench').describe('title of the results'),
      output: z.string().optional().describe('file for the results as JSON'),
      csv: z.string().optional().describe('file for a line of CSV a cell'),
      html: z.string().optional().describe('file for a report with charts'),
      svg: z.string().optional().describe('folder for the charts, a file each'),
      compare: z
        .array(z.string())
        .optional()
        .describe(
          'compare two files of results, or pairs of them (A B A B ...), and measure nothing; exit code 1 if B is slower',
        ),
    })
    .superRefine(({ modelDim, headDim, compare }, context) => {
      const refuse = (path: string[], message: string): void => {
        context.addIssue({ code: 'custom', path, message });
      };
      if (modelDim !== undefined && headDim !== undefined)
        refuse(['modelDim', 'headDim'], 'exclude each other');
      if (compare !== undefined && (compare.length === 0 || compare.length % 2 !== 0))
        refuse(['compare'], 'two files of results, or pairs of them,');
    });
