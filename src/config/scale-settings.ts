// The settings of `headpool scale`: workers or machines, kinds of scaling, how long to measure, and where results go.
import * as z from 'zod';
import { scalingAxes, scalingKinds } from '../measure/scaling/results.js';
import { mostShards } from '../cluster/cut-file.js';
import { checkTogether, grouped, kernel, path, threads } from './shared-settings.js';

// As many threads as an engine takes.
const count = z.int().min(1).max(1024);
const machineCount = z.int().min(1).max(10_000);

export const createScaleSettings = () =>
  z
    .strictObject({
      ...grouped('Measuring', {
        workers: z
          .array(z.union([z.enum(['max']), count]))
          .min(1)
          .optional()
          .describe(
            'how many workers are measured: a,b,...,max, beside 1; default: 1 to as many as the process may use',
          ),
        kind: z
          .array(z.enum(scalingKinds))
          .min(1)
          .default([...scalingKinds])
          .describe('the same work on more workers, or more work on more workers'),
        axis: z
          .array(z.enum(scalingAxes))
          .min(1)
          .default([...scalingAxes])
          .describe('what the work can be cut along'),
        seconds: z
          .number()
          .positive()
          .optional()
          .describe(
            'how long a point is measured, at least 5 pairs; default: 2; with --machines all shards together, default: 60',
          ),
        ms: z
          .number()
          .positive()
          .default(50)
          .describe('how large the work is: milliseconds on one worker, about'),
        predict: z
          .array(count)
          .optional()
          .describe(
            'how many workers are simulated: a,b,...; default: 2, 4, 8 ... times those measured, up to 64',
          ),
        maxMinutes: z.number().positive().default(30).describe('refuse what would take longer'),
        kernel,
      }),
      ...grouped('Machines', {
        machines: z
          .array(machineCount)
          .min(1)
          .optional()
          .describe('predict a run in shards on so many machines, instead of measuring workers: a,b,...'),
        run: path.optional().describe('configuration file of that run, as `headpool run --config` takes it'),
        shards: z
          .int()
          .min(1)
          .max(mostShards)
          .optional()
          .describe('how many shards it is cut into; default: 4 times the most machines, at least 32'),
        threads: threads.describe(
          "worker threads of each machine; default: the run's own, or half of what this process may use, so that two shards can be computed side by side",
        ),
      }),
      ...grouped('Output', {
        title: z.string().default('headpool scale').describe('what the results are called'),
        output: path.optional().describe('.json file for the results'),
        csv: path.optional().describe('.csv file for a line a point'),
        html: path.optional().describe('.html file for a page with charts'),
        svg: path.optional().describe('folder for the charts as .svg files'),
      }),
    })
    .superRefine((settings, context) => {
      checkTogether(settings, context, {
        apart: [
          ['machines', 'workers'],
          ['machines', 'predict'],
          ['machines', 'csv'],
          ['machines', 'html'],
          ['machines', 'svg'],
        ],
        needs: [
          ['machines', 'run'],
          ['run', 'machines'],
          ['shards', 'machines'],
          ['threads', 'machines'],
        ],
      });
    });
