// The settings of the commands around a queue: submit, work, status and cancel.
import * as z from 'zod';
import { isRunId } from '../cluster/queue/job.js';
import { mostShards } from '../cluster/cut-file.js';
import { byteSize } from './byte-size.js';
import { checkRun, createRunShape } from './run-settings.js';
import { device, grouped, path, threads } from './shared-settings.js';

const queueSettings = () => ({
  queue: z
    .string()
    .refine((name) => /^[\w.-]{1,100}$/.test(name), 'a name of letters, digits, dots, _ and -')
    .describe('name of the queue'),
  connection: z
    .string()
    .describe(
      'server of the queue: redis://host:port, rediss://…, postgres://host/database?sslmode=verify-full; a password comes from HEADPOOL_QUEUE_PASSWORD, or with all of this from HEADPOOL_CONNECTION',
    ),
});

const root = path
  .default('.')
  .describe(
    'folder that all machines see, under whatever name: all paths of a run start from it, and stay in it',
  );

/** Those of a run that hold for it alone: of a queued one others say what they say. */
const notQueued = {
  shard: true,
  shards: true,
  resume: true,
  takeOver: true,
  restart: true,
  dryRun: true,
  report: true,
  inputFormat: true,
} as const;

/** A run, and the queue that it goes to. */
export const createSubmitSettings = () =>
  createRunShape()
    .omit(notQueued)
    .extend({
      ...grouped('Queue', {
        ...queueSettings(),
        root,
        shards: z.int().min(1).max(mostShards).describe('how many shards the run is cut into'),
      }),
    })
    .superRefine(checkRun);

/** A process that takes jobs. */
export const createWorkSettings = () =>
  z.strictObject({
    ...grouped('Queue', {
      ...queueSettings(),
      root,
      lockSeconds: z
        .number()
        .min(1)
        .max(3600)
        .default(30)
        .describe('how long a worker may give no sign of life before another one gets its job'),
      untilEmpty: z.boolean().default(false).describe('end once nothing waits or is under way in the queue'),
    }),
    ...grouped('Machine', {
      threads,
      device,
      memory: z
        .string()
        .regex(byteSize)
        .optional()
        .describe('most memory of a shard, as of a run; default: a quarter of what the process may use'),
    }),
  });

export const createStatusSettings = () =>
  z.strictObject({
    ...queueSettings(),
    watch: z.boolean().default(false).describe('say it again every two seconds, until all is done'),
  });

export const createCancelSettings = () =>
  z.strictObject({
    ...queueSettings(),
    run: z
      .string()
      .refine(isRunId, '16 hexadecimal digits')
      .describe('which run, as `headpool status` names it'),
  });
