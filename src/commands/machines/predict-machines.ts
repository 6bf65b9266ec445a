// headpool scale --machines: how long a run will take on many machines, from some of its shards that are computed here.
import type { Settings } from '../../config/schemas.js';
import { resolveSettings } from '../../config/settings.js';
import { largestOf } from '../../core/lists.js';
import { readMachineLimits } from '../../core/machine/machine-limits.js';
import { version } from '../../engine/version.js';
import { describeMachine } from '../../measure/machine.js';
import {
  checkPrediction,
  shardsOf,
  slowdownOf,
  type MeasuredRound,
} from '../../measure/machines/check-prediction.js';
import { costOf, fitCosts } from '../../measure/machines/draw-costs.js';
import { enoughMachines } from '../../measure/machines/enough-machines.js';
import { predictRun, type PlannedRun } from '../../measure/machines/predict-run.js';
import { mean } from '../../measure/statistics.js';
import { startMeasureProgress } from '../measure-progress.js';
import type { MachinesResults } from '../outputs/machines-output.js';
import { measureShards } from './measure-shards.js';
import { withSample, type Sample } from './sample.js';
import { foretellMerge, type MergeTime } from './time-merge.js';

export interface AskedMachines {
  readonly title: string;
  /** The configuration file of the run. */
  readonly run: string;
  readonly machines: readonly number[];
  readonly shards: number | undefined;
  readonly threads: number | undefined;
  readonly kernel: Settings<'run'>['kernel'];
  readonly seconds: number;
}

/** Shards of each machine where nobody says: the last ones don't make the others wait long. */
const shardsOfMachine = 4;
const leastShards = 32;

export async function predictMachines(asked: AskedMachines, signal: AbortSignal): Promise<MachinesResults> {
  const { run: configPath, machines, seconds } = asked;
  const kernel = asked.kernel === 'auto' ? undefined : asked.kernel;
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const run = await resolveSettings('run', { flags: { kernel }, environment: process.env, configPath });
  const shards = asked.shards ?? Math.max(leastShards, shardsOfMachine * largestOf(machines));
  const threads = asked.threads ?? run.threads ?? Math.max(1, Math.floor(readMachineLimits().threads / 2));
  const progress = startMeasureProgress(process.stderr, ({ done, of }) => `${done} of ${of} shards`);
  try {
    return await withSample(run, { configPath, shards }, async (sample) => {
      const how = { threads, kernel, signal };
      const rounds = await measureShards(sample, { ...how, seconds, onProgress: progress.show });
      const merge = await foretellMerge(sample, signal);
      return {
        ...{ format: 1, benchmark: 'machines', title: asked.title, version, startedAt },
        elapsedMs: performance.now() - startMs,
        ...{ machine: describeMachine(), run: configPath, threads },
        ...describeSample(sample),
        ...foretell(sample, { rounds, merge, machines }),
      };
    });
  } finally {
    progress.end();
  }
}

function describeSample({ cut, works, engine: { kernel, instructionSet } }: Sample) {
  const sum = (of: 'tokens' | 'flop'): number => works.reduce((total, work) => total + work[of], 0);
  const { shards, inputs } = cut;
  return { kernel, instructionSet, shards, inputs, tokens: sum('tokens'), flop: sum('flop') };
}

interface Measured {
  readonly rounds: readonly MeasuredRound[];
  readonly merge: MergeTime;
  readonly machines: readonly number[];
}

function foretell(
  { works, cutMs }: Sample,
  { rounds, merge, machines }: Measured,
): Pick<MachinesResults, 'costs' | 'checks' | 'predicted' | 'enough'> {
  const run: PlannedRun = { flop: works.map(({ flop }) => flop), cutMs, mergeMs: merge.ms };
  const [alone, together] = [shardsOf(rounds, 'alone'), shardsOf(rounds, 'together')];
  const one = predictRun(run, alone, 1);
  const counts = [...new Set([1, ...machines])].sort((a, b) => a - b);
  const predicted = counts.map((count) => {
    const prediction = predictRun(run, alone, count);
    const speedUp = one.ms / prediction.ms;
    return { ...prediction, speedUp, efficiency: speedUp / count };
  });
  const law = fitCosts(alone);
  return {
    costs: {
      shardMs: costOf(law, mean(run.flop)),
      startMs: law.startMs,
      slowdown: slowdownOf(rounds),
      ...{ cutMs, mergeMs: merge.ms, mergeBytes: merge.bytes },
    },
    checks: [
      { ...checkPrediction(rounds, 'alone'), runMs: one.ms },
      { ...checkPrediction(rounds, 'together'), runMs: predictRun(run, together, 2).ms },
    ],
    predicted,
    enough: enoughMachines((count) => predictRun(run, alone, count).ms, largestOf(machines)),
  };
}
