// A comparison of two grids as text: what differs about the machines, a line for each cell with the worst first, a summary.
import type { ComparedCell, Comparison, UnpairedCell } from '../grid/compare.js';
import type { Interval } from '../statistics.js';
import { formatFigure, formatRange, formatRatio } from '../../page/figures.js';
import { formatTable } from '../../page/table.js';

const header = ['cell', 'A ms', 'B ms', 'B/A', 'interval', 'verdict'];

/** Several lines without a line break at their end; noisy figures stand in round brackets. */
export function formatComparison(comparison: Comparison): string {
  const { cells, onlyInA, onlyInB, versions } = comparison;
  const rows = [...cells].sort((one, other) => badness(other) - badness(one)).map(formatCell);
  return [
    `A: headpool ${versions.a}, B: headpool ${versions.b}`,
    ...formatWarning(comparison),
    ...(rows.length === 0 ? [] : [formatTable([header, ...rows], columnAlignments), legendOf(comparison)]),
    ...formatUnpaired('A', onlyInA),
    ...formatUnpaired('B', onlyInB),
    formatSummary(comparison),
  ].join('\n');
}

const columnAlignments = ['left', 'right', 'right', 'right', 'left', 'left'] as const;

function legendOf({ pairs }: Comparison): string {
  const ratio = 'of the time x multiply-add peak of each round';
  return `ms: as measured; B/A: ${ratio}${pairs === 1 ? '' : `, over ${pairs} pairs of files`}`;
}

/** Sorts by ratio, what has no verdict behind what has one, what has no ratio last. */
function badness({ ratio, verdict }: ComparedCell): number {
  if (ratio === null) return -2;
  // ratio / (1 + ratio) is below 1 and grows with the ratio.
  return (verdict === null ? -1 : 0) + ratio / (1 + ratio);
}

function formatCell(cell: ComparedCell): string[] {
  const { name, a, b, ratio, interval, verdict, mark } = cell;
  const bracket = (text: string): string => (mark === 'noisy' && text !== '-' ? `(${text})` : text);
  return [
    name,
    a === null ? '-' : formatFigure(a),
    b === null ? '-' : formatFigure(b),
    bracket(ratio === null ? '-' : `${formatRatio(ratio)}x`),
    bracket(interval === null ? '-' : formatInterval(interval)),
    verdict ?? (mark === 'unavailable' ? describeMissing(cell) : (mark ?? '-')),
  ];
}

function describeMissing({ a, b }: ComparedCell): string {
  if (a === null && b === null) return 'unavailable';
  return `unavailable in ${a === null ? 'A' : 'B'}`;
}

function formatWarning({ machineDiffers }: Comparison): string[] {
  if (machineDiffers.length === 0) return [];
  const lines = machineDiffers.map(({ field, a, b }) => `  ${field}: ${a ?? '-'} in A, ${b ?? '-'} in B`);
  return ['Warning: A and B were not measured on the same machine and Node.js; they differ in', ...lines];
}

function formatUnpaired(file: string, cells: readonly UnpairedCell[]): string[] {
  return cells.length === 0 ? [] : [`only in ${file}: ${cells.map(({ name }) => name).join(', ')}`];
}

/** 'slower: 3 of 16 cells, overall 1.10x [1.08, 1.12]', with what is faster in front and what was left out behind. */
function formatSummary({ cells, overall }: Comparison): string {
  const count = (verdict: ComparedCell['verdict']): number =>
    cells.filter((cell) => cell.verdict === verdict).length;
  const [faster, slower, left] = [count('faster'), count('slower'), count(null)];
  const { ratio, interval, verdict } = overall;
  const figures =
    ratio === null || interval === null ? 'none' : `${formatRatio(ratio)}x ${formatInterval(interval)}`;
  return [
    ...(faster === 0 ? [] : [`faster: ${faster}`]),
    `slower: ${slower} of ${cells.length - left} cells`,
    `overall ${figures}${verdict === null ? '' : ` ${verdict}`}`,
    ...(left === 0 ? [] : [`${left} without a verdict`]),
  ].join(', ');
}

function formatInterval(interval: Interval): string {
  return `[${formatRange(interval, formatRatio, ', ')}]`;
}
