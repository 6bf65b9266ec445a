// What `--json` says of a failure, on standard error.
import * as z from 'zod';
import { errorCodes, type ErrorCode } from '../../core/errors.js';
import { outputOf } from './output.js';

const codes = Object.keys(errorCodes) as ErrorCode[];

export const errorOutput = outputOf(1, {
  code: z
    .enum([...codes, 'STOPPED', 'HANDED_BACK', 'INTERNAL'])
    .describe(
      'STOPPED: by a signal; HANDED_BACK: a shard that another machine may compute; INTERNAL: a mistake in headpool itself',
    ),
  message: z.string(),
  exitCode: z.int().min(1),
  stack: z.string().exactOptional().describe('where the mistake was noticed, with INTERNAL'),
});
