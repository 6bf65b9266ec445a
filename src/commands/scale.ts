// headpool scale: strong and weak scaling on 1 … n workers, the laws that fit, and a prediction for more; or a run in
// shards, and a prediction for many machines.
import type { CommandModule } from 'yargs';
import type { Settings } from '../config/schemas.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import { formatScaling, formatScalingCsv } from '../measure/report/scaling-table.js';
import { countWorkers, type WorkerCounts } from '../measure/scaling/plan.js';
import type { ScalingResults } from '../measure/scaling/results.js';
import { runScaling } from '../measure/scaling/run-scaling.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { formatMachines } from './machines/format-machines.js';
import { predictMachines } from './machines/predict-machines.js';
import { startMeasureProgress } from './measure-progress.js';
import { prepareMeasured, writeJson, writeMeasured } from './measured-outputs.js';
import type { MachinesResults } from './outputs/machines-output.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson, printNote } from './terminal.js';

export const scaleCommand: CommandModule<object, CommonArgs> = {
  command: 'scale',
  describe: 'Measure how work gets faster with more workers, and predict it for more than there are',
  builder: (yargs) => addFlags(yargs, 'scale').example(examples),
  handler: async (args) => {
    const settings = await settingsOf('scale', args);
    const signal = stopOnSignals();
    await prepareMeasured(settings, [args.config, settings.run]);
    if (settings.machines !== undefined) {
      const results = await foretellMachines(settings, signal);
      if (args.json === true) printJson(results);
      else print(formatMachines(results));
      if (settings.output !== undefined) await writeJson(settings.output, results);
      return;
    }
    const results = await measure(settings, signal);
    if (args.json === true) printJson(results);
    else print(formatScaling(results));
    await writeMeasured(results, settings, formatScalingCsv);
  },
};

const examples: [string, string][] = [
  ['$0 scale --config configs/scale.yaml --output scale.json', 'the experiment of a file'],
  ['$0 scale --kind strong --axis heads', 'one curve'],
  ['$0 scale --workers 1,2,4,max --predict 128 --seconds 5', 'some numbers of workers, longer'],
  ['$0 scale --machines 4,16,64 --run run.yaml', 'a run on many machines: how long it will take'],
];

/** Of a point, and of all shards of a run together. */
const usualSeconds = { point: 2, shards: 60 } as const;

function foretellMachines(settings: Settings<'scale'>, signal: AbortSignal): Promise<MachinesResults> {
  const { title, shards, threads, kernel, seconds = usualSeconds.shards } = settings;
  const [run, machines] = [settings.run!, settings.machines!];
  return predictMachines({ title, run, machines, shards, threads, kernel, seconds }, signal);
}

async function measure(settings: Settings<'scale'>, signal: AbortSignal): Promise<ScalingResults> {
  const { kind, axis, seconds = usualSeconds.point, ms, kernel, title, maxMinutes } = settings;
  const counts = countsOf(settings);
  sayBeyond(counts);
  const experiment = { counts, kinds: unique(kind), axes: unique(axis), seconds, callMs: ms, kernel };
  const progress = startMeasureProgress(process.stderr, ({ done, of }) => `${done} of ${of} points`);
  try {
    const onProgress = progress.show;
    return await runScaling({ ...experiment, title, maxMinutes }, { signal, onProgress });
  } finally {
    progress.end();
  }
}

function countsOf({ workers, predict }: Settings<'scale'>): WorkerCounts {
  const parallelism = readMachineLimits().threads;
  const asked = workers?.map((count) => (count === 'max' ? parallelism : count));
  return countWorkers({ workers: asked, predict }, parallelism);
}

function sayBeyond({ measured, beyond }: WorkerCounts): void {
  if (beyond.length === 0) return;
  const most = measured.at(-1)!;
  printNote(
    `headpool: measuring up to ${most} ${most === 1 ? 'worker' : 'workers'}, there are no more processors; ` +
      `${beyond.join(', ')} will be predicted`,
  );
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
