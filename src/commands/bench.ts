// headpool bench: a grid of configurations measured, checked and reported; or two files of results compared.
import { availableParallelism } from 'node:os';
import type { CommandModule } from 'yargs';
import { defaultMemoryBytes } from '../runs/limits.js';
import { parseByteSize } from '../config/byte-size.js';
import type { Settings } from '../config/schemas.js';
import { gridAxes } from '../measure/grid/cut.js';
import { refuseOverMemory, refuseOverTime } from '../measure/grid/estimate.js';
import { expandGrid } from '../measure/grid/expand.js';
import { surveyKernels, type KernelSurvey } from '../measure/grid/lab.js';
import type { GridResults } from '../measure/grid/results.js';
import { measureGrid } from '../measure/grid/run-grid.js';
import { formatGridCsv, formatGridTable } from '../measure/report/grid-table.js';
import { formatCount, formatDuration } from '../page/figures.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { compareFiles } from './compare-files.js';
import { startGridProgress } from './grid-progress.js';
import { openOutputs } from './measured-outputs.js';
import { stopOnSignals } from './stop-signals.js';

export const benchCommand: CommandModule<object, CommonArgs> = {
  command: 'bench',
  describe: 'Measure a grid of configurations, or compare two measurements',
  builder: (yargs) => addFlags(yargs, 'bench').example(examples),
  handler: async (args) => {
    const settings = await settingsOf('bench', args);
    const isJson = args.json === true;
    if (settings.compare !== undefined) {
      await compareFiles(settings.compare, isJson);
      return;
    }
    const signal = stopOnSignals();
    const outputs = await openOutputs<GridResults>(settings, formatGridCsv);
    try {
      const results = await measure(settings, signal);
      console.log(isJson ? JSON.stringify(results) : formatGridTable(results));
      await outputs.write(results);
    } finally {
      await outputs.discard();
    }
  },
};

const examples: [string, string][] = [
  ['$0 bench --config configs/bench.yaml --output new.json', 'the grid of a file'],
  [
    '$0 bench --heads 8,16 --head-dim 64 --tokens 512,4096 --causal false,true --kernel native,wasm',
    'lists multiply',
  ],
  ['$0 bench --mode decode --tokens 4096,65536 --dtype f32,f16', 'one token after those of a cache'],
  ['$0 bench --compare old.json new.json', 'ratios with intervals; exit code 1 if new.json is slower'],
  [
    '$0 bench --compare old1.json new1.json old2.json new2.json ...',
    'the same of pairs, for a machine that drifts',
  ],
];

async function measure(settings: Settings<'bench'>, signal: AbortSignal): Promise<GridResults> {
  const { seconds, rounds, title } = settings;
  const survey = await surveyKernels(settings.kernel);
  const { cases, roundMs } = plan(settings, survey);
  const progress = startGridProgress(process.stderr);
  try {
    return await measureGrid(
      cases,
      { title, seconds, rounds, roundMs, unavailable: survey.unavailable },
      {
        signal,
        onProgress: (done) => {
          progress.show(done);
        },
      },
    );
  } finally {
    progress.end();
  }
}

/** The cases that are little enough work. @throws INVALID_OPTION, MEMORY_LIMIT */
function plan(settings: Settings<'bench'>, { kernels, rates, unavailable }: KernelSurvey) {
  const { seconds, rounds, maxMemory, maxMinutes, threads = [availableParallelism()] } = settings;
  const window = settings.window.map((tokens) => (tokens === 'none' ? null : tokens));
  const { cases, notes } = expandGrid({ ...settings, window, threads, kernel: kernels });
  for (const note of notes) console.error(`headpool: ${note}`);
  const possible = cases.filter(({ kernel }) => !unavailable.has(kernel));
  const limits = {
    // One cell at a time is all that the process does; a run leaves more to others.
    memoryBytes: maxMemory === undefined ? 2 * defaultMemoryBytes() : parseByteSize(maxMemory),
    minutes: maxMinutes,
    axes: gridAxes.filter((axis) => settings[axis] !== undefined),
  };
  const estimates = refuseOverTime(possible, { seconds, rounds, rates }, limits);
  refuseOverMemory(possible, limits);
  const totalMs = estimates.reduce((sum, estimate) => sum + estimate.totalMs, 0);
  const count = formatCount(possible.length);
  console.error(
    `headpool: ${count} ${possible.length === 1 ? 'cell' : 'cells'}, about ${formatDuration(totalMs)}`,
  );
  const byCase = new Map(estimates.map((estimate) => [estimate.case, estimate.roundMs]));
  return { cases, roundMs: (benchCase: (typeof cases)[number]): number => byCase.get(benchCase) ?? 0 };
}
