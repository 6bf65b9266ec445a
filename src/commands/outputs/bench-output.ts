// What `headpool bench --compare --json` prints. Results of measuring have schemas of their own: measure/result-schemas.ts.
import * as z from 'zod';
import { benchCase } from '../../measure/result-schemas.js';
import { count, outputOf } from './output.js';

const ratio = {
  ratio: z.number().nullable().describe('time of B over time of A for the same machine; above 1 is slower'),
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  verdict: z
    .enum(['faster', 'slower', 'same'])
    .nullable()
    .describe('what B is against A; same: no difference was found'),
};
const ms = z.number().nullable().describe('median milliseconds as measured; null where unavailable');
const unpaired = z.array(z.strictObject({ name: z.string(), case: benchCase }));
const machineValue = z.union([z.string(), z.number()]).nullable();

export const comparisonOutput = outputOf(1, {
  benchmark: z.literal('comparison'),
  title: z.string().describe('of B'),
  busy: z.array(z.string()).describe('of the files that show signs of a busy machine'),
  pairs: count.describe('of files'),
  machineDiffers: z.array(z.strictObject({ field: z.string(), a: machineValue, b: machineValue })),
  versions: z.strictObject({ a: z.string(), b: z.string() }),
  cells: z.array(
    z.strictObject({
      name: z.string(),
      case: benchCase,
      a: ms,
      b: ms,
      ...ratio,
      mark: z.enum(['noisy', 'unavailable', 'few rounds']).nullable().describe('why a cell has no verdict'),
    }),
  ),
  onlyInA: unpaired,
  onlyInB: unpaired,
  overall: z.strictObject(ratio),
});
