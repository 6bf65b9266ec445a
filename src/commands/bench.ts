// headpool bench: a grid of configurations measured, checked and reported; or two files of results compared.
import type { CommandModule } from 'yargs';
import { defaultMemoryBytes } from '../runs/limits.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import type { KernelName } from '../core/protocol/kernels.js';
import { parseByteSize } from '../config/byte-size.js';
import type { Settings } from '../config/schemas.js';
import { holdBars, noteIdleBars } from '../measure/grid/bars.js';
import { gridAxes } from '../measure/grid/cut.js';
import { refuseOverMemory, refuseOverTime } from '../measure/grid/estimate.js';
import { expandGrid, type GridSettings } from '../measure/grid/expand.js';
import { surveyKernels, type KernelSurvey } from '../measure/grid/lab.js';
import type { GridResults } from '../measure/grid/results.js';
import { measureGrid } from '../measure/grid/run-grid.js';
import { formatGridCsv, formatGridTable } from '../measure/report/grid-table.js';
import { formatCount, formatDuration, formatShare } from '../page/figures.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { compareFiles } from './compare-files.js';
import { startMeasureProgress } from './measure-progress.js';
import { prepareMeasured, writeMeasured } from './measured-outputs.js';
import { stopOnSignals } from './stop-signals.js';
import { print, printJson, printNote } from './terminal.js';

const barsAreMissed = 1;

export const benchCommand: CommandModule<object, CommonArgs> = {
  command: 'bench',
  describe: 'Measure a grid of configurations, or compare two measurements',
  builder: (yargs) => addFlags(yargs, 'bench').example(examples),
  handler: async (args) => {
    const settings = await settingsOf('bench', args);
    const isJson = args.json === true;
    if (settings.compare !== undefined) {
      await compareFiles({ paths: settings.compare, settings, isJson });
      return;
    }
    const signal = stopOnSignals();
    await prepareMeasured(settings, [args.config]);
    const results = await measure(settings, signal);
    const { bars = [] } = results;
    if (isJson) printJson(results);
    else print(formatGridTable(results));
    await writeMeasured(results, settings, formatGridCsv);
    if (bars.some(({ isMet }) => !isMet)) process.exitCode = barsAreMissed;
  },
};

const examples: [string, string][] = [
  ['$0 bench --config configs/bench.yaml --output new.json', 'the grid of a file'],
  [
    '$0 bench --heads 8,16 --head-dim 64 --tokens 512,4096 --causal false,true --kernel native,wasm',
    'lists multiply',
  ],
  ['$0 bench --mode decode --tokens 4096,65536 --dtype f32,f16', 'one token after those of a cache'],
  [
    '$0 bench --compare old.json new.json',
    'ratios with intervals; exit code 1 if new.json is slower, 4 if nothing could be decided',
  ],
  [
    '$0 bench --compare old1.json new1.json old2.json new2.json ...',
    'the same of pairs, for a machine that drifts',
  ],
];

async function measure(settings: Settings<'bench'>, signal: AbortSignal): Promise<GridResults> {
  const { seconds, rounds, title, bars } = settings;
  const survey = await surveyKernels(
    [settings, ...(settings.also ?? [])].flatMap(({ kernel = [] }) => kernel),
    settings.device,
  );
  const { cases, roundMs } = plan(settings, survey);
  const progress = startMeasureProgress(process.stderr, ({ done, of }) =>
    formatShare(done / of, 0).padStart(5),
  );
  try {
    const options = { title, seconds, rounds, roundMs, unavailable: survey.unavailable };
    const results = await measureGrid(cases, options, { signal, onProgress: progress.show });
    return bars === undefined ? results : { ...results, bars: holdBars(bars, results.cells) };
  } finally {
    progress.end();
  }
}

/** The cases that are little enough work. @throws INVALID_OPTION, MEMORY_LIMIT */
function plan(settings: Settings<'bench'>, { best, rates, unavailable }: KernelSurvey) {
  const { seconds, rounds, maxMemory, maxMinutes, bars = [] } = settings;
  const { cases, notes } = expandGrid(gridsOf(settings, best));
  for (const note of [...notes, ...noteIdleBars(bars, cases)]) printNote(`headpool: ${note}`);
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
  printNote(
    `headpool: ${count} ${possible.length === 1 ? 'cell' : 'cells'}, about ${formatDuration(totalMs)}`,
  );
  const byCase = new Map(estimates.map((estimate) => [estimate.case, estimate.roundMs]));
  return { cases, roundMs: (benchCase: (typeof cases)[number]): number => byCase.get(benchCase) ?? 0 };
}

/** @param best the kernel that 'auto' stands for */
export function gridsOf(settings: Settings<'bench'>, best: KernelName): GridSettings[] {
  const changes = [{}, ...(settings.also ?? [])];
  return changes.map((changed: NonNullable<Settings<'bench'>['also']>[number]): GridSettings => {
    // One width stands for the other.
    const isOfWidth = (changed.modelDim ?? changed.headDim) !== undefined;
    const widths = isOfWidth ? { modelDim: undefined, headDim: undefined } : {};
    // A change names a list or doesn't; none is undefined.
    const grid = { ...settings, ...widths, ...changed } as Settings<'bench'>;
    return {
      ...grid,
      threads: grid.threads ?? [grid.device === 'gpu' ? 1 : readMachineLimits().threads],
      window: grid.window.map((tokens) => (tokens === 'none' ? null : tokens)),
      kernel: [...new Set(grid.kernel.map((name) => (name === 'auto' ? best : name)))],
    };
  });
}
