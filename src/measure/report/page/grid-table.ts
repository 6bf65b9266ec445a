// Every configuration of a grid with its figures, as a table to sort.
import { partsOf } from '../../grid/cells.js';
import { nameOfCase, type Cell, type MeasuredCell } from '../../grid/results.js';
import { formatFigure, formatQuantity, formatShare } from '../../../page/figures.js';
import type { Markup } from '../../../page/markup.js';
import { formatBytes, formatCount } from '../../../page/table.js';
import { formatDataTable, type Column } from '../../../page/data-table.js';

export function formatGridTable(cells: readonly Cell[]): Markup {
  return formatDataTable({
    caption: `${formatQuantity(cells.length, 'configuration')}; times are milliseconds of a call`,
    columns,
    rows: cells,
    isUnsure: (cell) => cell.status === 'unavailable' || cell.isNoisy,
  });
}

const columns: readonly Column<Cell>[] = [
  { title: 'configuration', value: (cell) => nameOfCase(cell.case) },
  { title: 'median', ...measured(({ ms }) => ms.median, formatFigure) },
  {
    title: '95 %',
    ...measured(
      ({ interval }) => interval.low,
      (_, { interval }) => `${formatFigure(interval.low)} to ${formatFigure(interval.high)}`,
    ),
  },
  { title: 'GFLOP/s', ...measured(({ gflopPerSecond }) => gflopPerSecond, formatFigure) },
  { title: 'of peak', ...measured(({ peakShare }) => peakShare, formatShare) },
  { title: 'GB/s', ...measured(({ gigabytesPerSecond }) => gigabytesPerSecond, formatFigure) },
  { title: 'tokens/s', ...measured(({ tokensPerSecond }) => tokensPerSecond, formatCount) },
  { title: 'min', ...measured(({ ms }) => ms.min, formatFigure) },
  { title: 'p90', ...measured(({ ms }) => ms.p90, formatFigure) },
  { title: 'p99', ...measured(({ ms }) => ms.p99, formatFigure) },
  { title: 'projections', ...measured((cell) => partsOf(cell)?.projections ?? null, formatFigure) },
  { title: 'attention', ...measured((cell) => partsOf(cell)?.attention ?? null, formatFigure) },
  { title: 'spread', ...measured(({ spread }) => spread, formatShare) },
  { title: 'control', ...measured(({ control }) => control.median, formatRatio) },
  { title: 'error', ...measured(({ error }) => error, formatFigure) },
  { title: 'resident', ...measured(({ residentBytes }) => residentBytes, formatBytes) },
  { title: 'working', ...measured(({ workingBytes }) => workingBytes, formatBytes) },
  { title: 'tokens', ...whole((cell) => cell.case.tokens) },
  { title: 'heads', ...whole((cell) => cell.case.heads) },
  { title: 'headDim', ...whole((cell) => cell.case.headDim) },
  { title: 'batch', ...whole((cell) => cell.case.batch) },
  { title: 'threads', ...whole((cell) => cell.case.threads) },
  { title: 'note', value: noteOf },
];

type Shown = Pick<Column<Cell>, 'value' | 'show'>;

function whole(value: (cell: Cell) => number): Shown {
  return { value, show: (cell) => formatCount(value(cell)) };
}

function measured(
  valueOf: (cell: MeasuredCell) => number | null,
  show: (value: number, cell: MeasuredCell) => string,
): Shown {
  return {
    value: (cell) => (cell.status === 'measured' ? valueOf(cell) : null),
    show: (cell) => (cell.status === 'measured' ? show(valueOf(cell)!, cell) : ''),
  };
}

function noteOf(cell: Cell): string | null {
  if (cell.status === 'unavailable') return `unavailable: ${cell.reason}`;
  return cell.isNoisy ? 'noisy' : null;
}

function formatRatio(ratio: number): string {
  return ratio.toFixed(3);
}
