// A comparison of grids as a table: as text with what differs about the machines and a summary, on a page, and as CSV. The
// worst cell stands first.
import type { ComparedCell, Comparison, UnpairedCell } from '../grid/compare.js';
import type { Interval } from '../statistics.js';
import { formatFigure, formatQuantity, formatRange, formatRatio } from '../../page/figures.js';
import type { Markup } from '../../page/markup.js';
import { formatCsv, formatHtmlTable, formatTextTable, select, type Columns } from '../../page/table.js';
import { describeBusy } from './machine.js';
import { noisy, undecided } from './row-marks.js';

const columns = {
  name: { title: 'configuration', textTitle: 'cell', value: ({ name }) => name },
  aMs: { title: 'A ms', value: ({ a }) => a, format: formatFigure },
  bMs: { title: 'B ms', value: ({ b }) => b, format: formatFigure },
  ratio: {
    title: 'B/A',
    value: ({ ratio }) => ratio,
    show: (cell) => bracket(cell, `${formatRatio(cell.ratio!)}x`),
  },
  interval: {
    value: ({ interval }) => interval?.low,
    show: (cell) => bracket(cell, formatInterval(cell.interval!)),
    showHtml: ({ interval }) => formatRange(interval!, formatRatio),
    isForPeople: true,
  },
  low: { value: ({ interval }) => interval?.low },
  high: { value: ({ interval }) => interval?.high },
  verdict: { value: ({ verdict }) => verdict },
  mark: { value: ({ mark }) => mark },
  says: { title: 'verdict', value: (cell) => cell.verdict ?? whyNone(cell), isForPeople: true },
} satisfies Columns<ComparedCell>;

const forPeople = ['name', 'aMs', 'bMs', 'ratio', 'interval', 'says'] as const;

/** Noisy figures stand in round brackets. */
function bracket({ mark }: ComparedCell, text: string): string {
  return mark === 'noisy' ? `(${text})` : text;
}

function whyNone({ a, b, mark }: ComparedCell): string | null {
  if (mark !== 'unavailable') return mark;
  if (a === null && b === null) return 'unavailable';
  return `unavailable in ${a === null ? 'A' : 'B'}`;
}

/** By ratio, what has no verdict behind what has one, what has no ratio last. */
export function worstFirst(cells: readonly ComparedCell[]): ComparedCell[] {
  return [...cells].sort((one, other) => badness(other) - badness(one));
}

function badness({ ratio, verdict }: ComparedCell): number {
  if (ratio === null) return -2;
  // ratio / (1 + ratio) is below 1 and grows with the ratio.
  return (verdict === null ? -1 : 0) + ratio / (1 + ratio);
}

/** Several lines without a line break at their end. */
export function formatComparison(comparison: Comparison): string {
  const { cells, onlyInA, onlyInB, versions, busy } = comparison;
  const table = { columns: select(columns, forPeople), rows: worstFirst(cells) };
  return [
    `A: headpool ${versions.a}, B: headpool ${versions.b}`,
    ...describeBusy(busy),
    ...formatWarning(comparison),
    ...(cells.length === 0 ? [] : [formatTextTable(table), `ms: as measured; ${describeRatio(comparison)}`]),
    ...formatUnpaired('A', onlyInA),
    ...formatUnpaired('B', onlyInB),
    formatSummary(comparison),
  ].join('\n');
}

/** To be sorted. */
export function formatComparedCells(comparison: Comparison): Markup {
  return formatHtmlTable({
    label: 'All configurations',
    caption: `Median milliseconds as measured; ${describeRatio(comparison)}`,
    columns: select(columns, forPeople),
    rows: worstFirst(comparison.cells),
    markOf: ({ verdict, mark }) => (mark === 'noisy' ? noisy : verdict === null ? undecided : undefined),
    isSortable: true,
    isWide: true,
  });
}

/** A line a cell, in the order of the files. */
export function formatComparisonCsv({ cells }: Comparison): string {
  return formatCsv<ComparedCell>(columns, cells);
}

function describeRatio({ pairs }: Comparison): string {
  const ratio = 'B/A: of the time x multiply-add peak of each round';
  return `${ratio}${pairs === 1 ? '' : `, over ${pairs} pairs of files`}`;
}

function formatWarning({ machineDiffers }: Comparison): string[] {
  if (machineDiffers.length === 0) return [];
  const lines = machineDiffers.map(({ field, a, b }) => `  ${field}: ${a ?? '-'} in A, ${b ?? '-'} in B`);
  return [`Warning: ${differsText}`, ...lines];
}

export const differsText = 'A and B were not measured on the same machine and Node.js; they differ in';

export function formatUnpaired(file: string, cells: readonly UnpairedCell[]): string[] {
  return cells.length === 0 ? [] : [`only in ${file}: ${cells.map(({ name }) => name).join(', ')}`];
}

export interface Counts {
  readonly faster: number;
  readonly slower: number;
  /** Without a verdict. */
  readonly left: number;
}

export function countVerdicts(cells: readonly ComparedCell[]): Counts {
  const count = (verdict: ComparedCell['verdict']) => cells.filter((cell) => cell.verdict === verdict).length;
  return { faster: count('faster'), slower: count('slower'), left: count(null) };
}

/** 'slower: 3 of 16 cells, overall 1.10x [1.08, 1.12]', with what is faster in front and what was left out behind. */
function formatSummary({ cells, overall }: Comparison): string {
  const { faster, slower, left } = countVerdicts(cells);
  if (left === cells.length && left > 0)
    return `nothing could be decided: ${formatQuantity(left, 'cell')} without a verdict`;
  const { ratio, interval, verdict } = overall;
  const figures =
    ratio === null || interval === null ? 'none' : `${formatRatio(ratio)}x ${formatInterval(interval)}`;
  return [
    ...(faster === 0 ? [] : [`faster: ${faster}`]),
    `slower: ${slower} of ${formatQuantity(cells.length - left, 'cell')}`,
    `overall ${figures}${verdict === null ? '' : ` ${verdict}`}`,
    ...(left === 0 ? [] : [`${left} without a verdict`]),
  ].join(', ');
}

function formatInterval(interval: Interval): string {
  return `[${formatRange(interval, formatRatio, ', ')}]`;
}
