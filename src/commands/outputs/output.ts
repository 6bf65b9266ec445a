// What schemas of `--json` have in common. They type what commands print and become docs/schema; no command loads them.
import * as z from 'zod';
import type { Stored } from '../../measure/result-schemas.js';

/** What a command prints that a schema describes. */
export type Output<Schema extends z.ZodType> = Stored<Schema>;

/** An object with a number that changes with the meaning of its fields. */
export const outputOf = <const Format extends number, Shape extends z.ZodRawShape>(
  format: Format,
  shape: Shape,
) =>
  z.strictObject({
    format: z.literal(format).describe('changes where a field changes its meaning'),
    ...shape,
  });

export const count = z.int().min(0);
export const texts = z.array(z.string());
