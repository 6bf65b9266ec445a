// What `headpool scale --machines` prints with `--json` and writes with `--output`.
import * as z from 'zod';
import { machine } from '../../measure/result-schemas.js';
import { count, outputOf, type Output } from './output.js';

const interval = z
  .strictObject({ low: z.number(), high: z.number() })
  .describe('where 90 % of the simulations end');
const ms = z.number().describe('milliseconds');

const predictedMachines = z.strictObject({
  machines: count,
  ms: ms.describe('milliseconds of the whole run: a prediction'),
  interval,
  speedUp: z.number().describe('against one machine, predicted too'),
  efficiency: z.number().describe('speedUp / machines'),
  waitShare: z
    .number()
    .describe("mean share of the machines' time, between cut and merge, that they wait for the last shards"),
});

const checkedProcesses = z.strictObject({
  processes: count.describe('at once, on this machine'),
  shards: count.describe('that were measured'),
  measuredMs: ms,
  predictedMs: ms.describe('no round by itself, but by the others'),
  interval,
  difference: z.number().describe('predictedMs / measuredMs - 1'),
  runMs: ms.describe('milliseconds of the whole run on this machine: a prediction'),
});

export const machinesOutput = outputOf(1, {
  benchmark: z.literal('machines'),
  title: z.string(),
  version: z.string().describe('of headpool'),
  startedAt: z.string().describe('ISO 8601'),
  elapsedMs: z.number(),
  machine: machine.describe('that the shards were measured on'),
  kernel: z.string(),
  instructionSet: z.string(),
  run: z.string().describe('its configuration file'),
  threads: count.describe('of each process'),
  shards: count.describe('that the run is cut into'),
  inputs: count,
  tokens: count.describe('guessed where headers tell no lengths'),
  flop: z.number(),
  costs: z.strictObject({
    shardMs: ms.describe('of a shard with the mean work, one at a time'),
    startMs: ms.describe('of it: its process starts, reads weights and ends'),
    slowdown: z.number().describe('how many times longer a shard takes while this machine computes two'),
    cutMs: ms,
    mergeMs: ms.describe('predicted'),
    mergeBytes: z.number().describe('predicted; 0 of a folder, where nothing is copied'),
  }),
  checks: z.array(checkedProcesses),
  predicted: z.array(predictedMachines),
  enough: z.strictObject({
    machines: count.nullable().describe('null if the most that were asked about are too few'),
    gain: z
      .number()
      .describe('share of the time that twice as many save: of these, or of the most that were asked about'),
  }),
});

/** Plain JSON. */
export type MachinesResults = Output<typeof machinesOutput>;
export type PredictedMachines = MachinesResults['predicted'][number];
