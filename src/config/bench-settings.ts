// The settings of `headpool bench`: lists whose values are multiplied, how long to measure, and where results go.
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';
import { dtypes } from '../core/tensor/dtype.js';
import { optionNames } from '../measure/cases/options.js';
import { barForm, readAxisWords, readBar } from '../measure/grid/bars.js';
import { benchModes, untitled } from '../measure/grid/results.js';
import { byteSize } from './byte-size.js';
import { checkTogether, device, grouped, path, paths } from './shared-settings.js';

// Of one number: far more than memory has room for, and few enough that products of them are exact.
const most = { tokens: 2 ** 24, batch: 2 ** 16, heads: 2 ** 12, width: 2 ** 17 };

const counts = (largest: number): z.ZodArray<z.ZodInt> => z.array(z.int().min(1).max(largest)).min(1);

/** The axes of a grid, without defaults. */
const createAxes = () => ({
  mode: z.array(z.enum(benchModes)).min(1),
  heads: counts(most.heads),
  modelDim: counts(most.width),
  headDim: counts(most.width),
  kvHeads: counts(most.heads),
  tokens: counts(most.tokens),
  batch: counts(most.batch),
  causal: z.array(z.boolean()).min(1),
  window: z.array(z.union([z.int().min(0).max(most.tokens), z.enum(['none'])])).min(1),
  dtype: z.array(z.enum(dtypes)).min(1),
  options: z.array(z.enum(optionNames)).min(1),
  kernel: z.array(z.enum(['auto', ...kernelNames])).min(1),
  threads: counts(1024),
});

export const createBenchSettings = () => {
  const axes = createAxes();
  const otherAxes = z.strictObject(axes).partial();
  return z
    .strictObject({
      ...grouped('Grid', {
        mode: axes.mode
          .default(['layer'])
          .describe(
            'what a call computes: layer,attention,decode; decode is one token after `tokens` cached ones',
          ),
        heads: axes.heads.default([8]).describe('attention heads'),
        modelDim: axes.modelDim
          .optional()
          .describe('widths of a token; default: 512, or heads * headDim where that is given'),
        headDim: axes.headDim.optional().describe('widths of a head, instead of modelDim'),
        kvHeads: axes.kvHeads
          .optional()
          .describe('key/value heads; default: heads; left out where they do not divide the heads'),
        tokens: axes.tokens.default([128, 512, 2048]).describe('tokens of a sequence'),
        batch: axes.batch.default([1]).describe('sequences of a call'),
        causal: axes.causal.default([false]).describe('attend no later tokens: false,true'),
        window: axes.window.default(['none']).describe('earlier tokens that a query attends: none,256'),
        dtype: axes.dtype
          .default(['f32'])
          .describe('numbers of the inputs, of the cache in mode decode: f32,f16,bf16'),
        options: axes.options
          .default(['none'])
          .describe(`what else a call is asked: ${optionNames.join(',')}`),
        also: z
          .array(z.string().meta({ title: 'grid' }))
          .transform((texts, context) =>
            texts.map((text) => {
              const { success, data } = otherAxes.safeParse(readLists(text));
              if (!success) context.addIssue('lists such as `mode=decode tokens=1024,4096`');
              return data ?? {};
            }),
          )
          .optional()
          .describe('further grids, each what it changes of this one: "mode=decode tokens=1024,4096"'),
      }),
      ...grouped('Machine', {
        kernel: axes.kernel
          .default(['auto'])
          .describe(
            `which kernels compute: ${['auto', ...kernelNames].join(',')}; auto is the best of the device`,
          ),
        device,
        threads: axes.threads.optional().describe('worker threads; default: as many as the process may use'),
        maxMemory: z
          .string()
          .regex(byteSize)
          .optional()
          .describe('most memory of a cell, e.g. 500MB or 2GiB; default: half of what the process may use'),
      }),
      ...grouped('Measuring', {
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
        maxMinutes: z.number().positive().default(30).describe('refuse a grid that would take longer'),
        bars: z
          .array(z.string().meta({ title: 'bar' }))
          .transform((texts, context) =>
            texts.flatMap((text) => {
              const bar = readBar(text);
              if (bar === undefined) context.addIssue(`bars such as ${barForm}`);
              return bar ?? [];
            }),
          )
          .optional()
          .describe(
            'what cells must show, else exit code 1: "mode=decode GB/s >= 10", "options=rope ms <= 1.3 of options=none"',
          ),
        compare: paths
          .optional()
          .describe(
            'compare two files of results, or pairs of them (A B A B ...), and measure nothing; exit code 1 if B is slower, 4 if nothing could be decided',
          ),
      }),
      ...grouped('Output', {
        title: z.string().default(untitled).describe('title of the results'),
        output: path.optional().describe('file for the results as JSON'),
        csv: path.optional().describe('file for a line of CSV a cell'),
        html: path.optional().describe('file for a report with charts'),
        svg: path.optional().describe('folder for the charts, a file each'),
      }),
    })
    .superRefine((settings, context) => {
      checkTogether(settings, context, { apart: [['modelDim', 'headDim']] });
      const { compare } = settings;
      if (compare === undefined || (compare.length > 0 && compare.length % 2 === 0)) return;
      const message = 'two files of results, or pairs of them,';
      context.addIssue({ code: 'custom', path: ['compare'], message });
    });
};

/** The lists of `axis=a,b axis=c`; null where the text is none. */
function readLists(text: string): unknown {
  const words = readAxisWords(text.trim().split(/\s+/));
  if (words === undefined) return null;
  return Object.fromEntries(
    Object.entries(words).map(([axis, list]) => [axis, list.split(',').map(readValue)]),
  );
}

function readValue(word: string): string | number | boolean {
  if (word === 'true' || word === 'false') return word === 'true';
  return word === '' || Number.isNaN(Number(word)) ? word : Number(word);
}
