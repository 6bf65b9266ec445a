// The schemas of all that commands print with `--json`, by command: docs/schema/*.json, and what tests hold output against.
import * as z from 'zod';
import { gridResults, scalingResults } from '../../measure/result-schemas.js';
import { comparisonOutput } from './bench-output.js';
import { errorOutput } from './error-output.js';
import { explainedKey, explainedQuery } from './explain-output.js';
import { machinesOutput } from './machines-output.js';
import { cancelOutput, statusOutput, submitOutput, workOutput } from './queue-outputs.js';
import { dryRun, runReport } from './run-output.js';
import { mergeOutput, removedShards, shardsOutput } from './shard-outputs.js';
import {
  infoOutput,
  layersOutput,
  makeSequencesOutput,
  makeWeightsOutput,
  verifyOutput,
} from './small-outputs.js';

export const outputSchemas = {
  run: z.union([runReport, dryRun]),
  explain: z.union([explainedQuery, explainedKey]),
  layers: layersOutput,
  verify: verifyOutput,
  info: infoOutput,
  bench: z.union([gridResults, comparisonOutput]),
  scale: z.union([scalingResults, machinesOutput]),
  shards: z.union([shardsOutput, removedShards]),
  merge: mergeOutput,
  submit: submitOutput,
  work: workOutput,
  status: statusOutput,
  cancel: cancelOutput,
  'make-sequences': makeSequencesOutput,
  'make-weights': makeWeightsOutput,
  error: errorOutput,
} as const;

export type OutputName = keyof typeof outputSchemas;

/** The JSON Schema of what a command prints. */
export function outputSchemaOf(name: OutputName): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(outputSchemas[name], { io: 'output' });
}
