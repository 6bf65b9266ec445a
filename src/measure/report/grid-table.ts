// The cells of a grid as a table for people.
import { nameOfCase, type Cell, type GridResults, type MeasuredCell } from '../grid/results.js';
import { formatGrowth } from './growth-table.js';
import { formatBytes, formatCount, formatDuration, formatTable } from '../../page/table.js';

const header = [
  'cell',
  'median ms',
  '95 %',
  'p90',
  'p99',
  'min',
  'spread',
  'tokens/s',
  'GFLOP/s',
  'peak',
  'GB/s',
  'RSS',
  'engine',
] as const;

/** A line a cell, and below a line a law; noisy ones begin with `~`, and those that can't be measured say why. */
export function formatGridTable(results: GridResults): string {
  const { cells, machine, version, elapsedMs, title } = results;
  const measured = cells.filter((cell) => cell.status === 'measured');
  const names = Object.entries(results.instructionSets).map(([kernel, set]) => `${kernel} (${set})`);
  const table = formatTable(
    [header, ...measured.map(rowOf)],
    header.map((_, column) => (column === 0 ? 'left' : 'right')),
  );
  const missing = cells.filter((cell) => cell.status === 'unavailable');
  const noisy = measured.filter(({ isNoisy }) => isNoisy).length;
  const growth = formatGrowth(results.laws);
  return [
    `${title}: headpool ${version}, ${names.join(', ')}, Node ${machine.node}`,
    `${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.platform}`,
    '',
    table,
    ...(missing.length === 0 ? [] : ['', ...missing.map(formatMissing)]),
    ...(growth === '' ? [] : ['', growth]),
    '',
    `${formatCount(measured.length)} cells in ${formatDuration(elapsedMs)}; peak: share of the multiply-add rate measured in between`,
    ...(noisy === 0
      ? []
      : [
          `~ ${formatCount(noisy)} noisy: the machine was busy with something else, and a call timed against itself differs`,
        ]),
  ].join('\n');
}

function rowOf(cell: MeasuredCell): string[] {
  const { ms, interval, spread, tokensPerSecond, gflopPerSecond, peakShare, gigabytesPerSecond } = cell;
  return [
    `${cell.isNoisy ? '~' : ' '} ${nameOfCase(cell.case)}`,
    formatMs(ms.median),
    `${formatMs(interval.low)}…${formatMs(interval.high)}`,
    ...[ms.p90, ms.p99, ms.min].map(formatMs),
    formatShare(spread),
    formatCount(tokensPerSecond),
    gflopPerSecond.toFixed(1),
    formatShare(peakShare),
    gigabytesPerSecond === null ? '' : gigabytesPerSecond.toFixed(1),
    formatBytes(cell.residentBytes),
    formatBytes(cell.workingBytes),
  ];
}

function formatMissing({
  case: benchCase,
  reason,
}: Extract<Cell, { readonly status: 'unavailable' }>): string {
  return `  ${nameOfCase(benchCase)}: not measured: ${reason}`;
}

/** Three digits behind the point below 10 ms, where they still mean something. */
function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 3 : ms < 100 ? 2 : 1);
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
