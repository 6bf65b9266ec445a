// Settings that several commands have, and how settings are refused that don't go together.
import * as z from 'zod';
import { isGiven } from '../attention/option-rows.js';
import { devices, kernelNames } from '../core/protocol/kernels.js';

export const threads = z
  .int()
  .min(1)
  .max(1024)
  .optional()
  .describe('worker threads; default: as many as the process may use');
export const kernel = z
  .enum(['auto', ...kernelNames])
  .default('auto')
  .describe('which kernel computes, of the device');
export const device = z.enum(devices).default('cpu').describe('where to compute');
export const heads = z.int().min(1).describe('attention heads');

/** Of a file or a folder; shells complete it. */
export const path = z.string().meta({ title: 'path' });

/** One path or several. */
export const paths = z.union([z.array(path).min(1), path.transform((one) => [one])]);

/** Fields that help shows together, under a title. */
export function grouped<Shape extends Readonly<Record<string, z.ZodType>>>(
  group: string,
  shape: Shape,
): Shape {
  const fields = Object.entries(shape).map(([name, schema]) => [name, schema.meta({ group })]);
  return Object.fromEntries(fields) as Shape;
}

/** A setting that doesn't go with the others. */
export type Misplaced =
  { readonly field: string; readonly excludes: string } | { readonly field: string; readonly needs: string };

type Pairs<Settings> = readonly (readonly [keyof Settings & string, keyof Settings & string])[];

/** Refuses settings that can't be used together (`apart`), and one without another that it `needs`. */
export function checkTogether<Settings extends object>(
  settings: Settings,
  context: z.core.$RefinementCtx,
  { apart = [], needs = [] }: { readonly apart?: Pairs<Settings>; readonly needs?: Pairs<Settings> },
): void {
  const refuse = (params: Misplaced): void => {
    context.addIssue({ code: 'custom', path: [params.field], params });
  };
  for (const [field, other] of apart) {
    if (isGiven(settings[field]) && isGiven(settings[other])) refuse({ field, excludes: other });
  }
  for (const [field, other] of needs) {
    if (isGiven(settings[field]) && !isGiven(settings[other])) refuse({ field, needs: other });
  }
}
