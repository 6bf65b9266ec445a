// headpool info: the machine, the kernels with the reason for each that can't run, and the measured peak.
import type { CommandModule } from 'yargs';
import { readMachineLimits, type MachineLimits } from '../core/machine/machine-limits.js';
import { createEngine, type EngineInfo } from '../engine/engine.js';
import { findPageCacheProblem } from '../files/page-cache/page-cache.js';
import { describeMachine } from '../measure/machine.js';
import { measurePeak } from '../measure/peak.js';
import { formatBytes, formatCount, formatFigure } from '../page/figures.js';
import { formatTable } from '../page/table.js';
import { addFlags, engineOptionsOf, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { infoOutput } from './outputs/small-outputs.js';
import { print, printJson } from './terminal.js';

export const infoCommand: CommandModule<object, CommonArgs> = {
  command: 'info',
  describe: 'Show the machine, the kernels and the measured peak',
  builder: (yargs) => addFlags(yargs, 'info'),
  handler: async (args) => {
    const settings = await settingsOf('info', args);
    const { threads } = settings;
    await using engine = await createEngine(engineOptionsOf(settings));
    const machine = describeMachine();
    const limits = readMachineLimits();
    const peak = await measurePeak(engine);
    const { info } = engine;
    const pageCacheProblem = findPageCacheProblem();
    if (args.json === true) {
      const output: Output<typeof infoOutput> = {
        format: 1,
        machine,
        limits,
        ...info,
        peak,
        ...(pageCacheProblem !== undefined && { pageCacheProblem }),
      };
      printJson(output);
      return;
    }
    const rows: [string, string][] = [
      ['headpool', info.version],
      ['node', info.node],
      [
        'machine',
        `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.platform}`,
      ],
      ['kernel', `${info.kernel} (${info.instructionSet})`],
      ...adapterRows(info),
      ...info.otherInstructionSets.map(({ name, reason }): [string, string] => [
        `  ${name}`,
        `not in use: ${reason}`,
      ]),
      ...info.unavailable.map(({ name, reason }): [string, string] => [`  ${name}`, `can't run: ${reason}`]),
      ['threads', `${info.threads}${threads === undefined ? whyThreads(limits) : ''}`],
      ...memoryRow(limits),
      ...(pageCacheProblem === undefined ? [] : [pageCacheRow(pageCacheProblem)]),
      ['peak', `${(peak.flopPerSecond.median / 1e9).toFixed(1)} GFLOP/s of multiply-adds on all threads`],
    ];
    print(formatTable(rows, ['left', 'left']));
  },
};

/** The GPU, where that is the device. */
function adapterRows({ adapter }: EngineInfo): [string, string][] {
  if (adapter === undefined) return [];
  const { name, vendor, architecture, driver, backend, limits } = adapter;
  return [
    ['device', [name, vendor, architecture].filter((part) => part !== '').join(', ')],
    ['driver', `${driver} (${backend})`],
    ...Object.entries({ ...limits }).map(([limit, value]): [string, string] => [
      `  ${limit}`,
      formatCount(value),
    ]),
  ];
}

/** Nothing but the room that long outputs take in memory depends on it. */
function pageCacheRow(problem: string): [string, string] {
  return ['page cache', `written files stay in it: ${problem}`];
}

/** What a container says of the threads, where it does. */
export function whyThreads({ container: { processors } }: MachineLimits): string {
  if (processors === undefined) return '';
  const { value, file } = processors;
  return ` (a container has the time of ${formatFigure(value)} processors: ${file})`;
}

/** The memory that a container leaves, where it does. */
export function memoryRow({ container: { memoryBytes } }: MachineLimits): [string, string][] {
  if (memoryBytes === undefined) return [];
  return [['memory', `${formatBytes(memoryBytes.value)} (a container has no more: ${memoryBytes.file})`]];
}
