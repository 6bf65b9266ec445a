// The settings of `headpool scale`: workers, kinds of scaling, how long to measure, and where results go.
import * as z from 'zod';
import { scalingAxes, scalingKinds } from '../measure/scaling/results.js';
import { kernel } from './shared-settings.js';

// As many threads as an engine takes.
const count = z.int().min(1).max(1024);

export const createScaleSettings = () =>
  z.strictObject({
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
    seconds: z.number().positive().default(2).describe('how long a point is measured, at least 5 pairs'),
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
    title: z.string().default('headpool scale').describe('what the results are called'),
    output: z.string().optional().describe('.json file for the results'),
    csv: z.string().optional().describe('.csv file for a line a point'),
    html: z.string().optional().describe('.html file for a page with charts'),
    svg: z.string().optional().describe('folder for the charts as .svg files'),
    maxMinutes: z.number().positive().default(30).describe('refuse what would take longer'),
    kernel,
  });
