// The cells of a grid as a table: as text with what stands around it, on a page, and as CSV.
import { shareOfPeak } from '../busy.js';
import { formatBar } from '../grid/bars.js';
import { gridAxes, type GridAxis } from '../grid/cut.js';
import { partsOf, type LayerParts } from '../grid/cells.js';
import {
  nameOfCase,
  type BarOutcome,
  type Cell,
  type GridResults,
  type MeasuredCell,
} from '../grid/results.js';
import {
  formatBytes,
  formatCount,
  formatDecimals,
  formatDuration,
  formatFigure,
  formatQuantity,
  formatRange,
  formatShare,
} from '../../page/figures.js';
import type { Markup } from '../../page/markup.js';
import {
  formatCsv,
  formatHtmlTable,
  formatTextTable,
  select,
  type Columns,
  type RowMark,
} from '../../page/table.js';
import { formatGrowth } from './growth-table.js';
import { describeBusy } from './machine.js';
import { noisy, unavailable } from './row-marks.js';

const formatMs = (ms: number): string => formatDecimals(ms, 4);
const time = { format: formatFigure, textFormat: formatMs };
const rate = { format: formatFigure, textFormat: (perSecond: number) => perSecond.toFixed(1) };
const share = { format: formatShare, textFormat: (part: number) => formatShare(part, 0) };
const bytes = { format: formatBytes };

/** A cell, of which the figures are there if it was measured, else the reason. */
type Row = Pick<Cell, 'case' | 'status'> &
  Partial<Omit<MeasuredCell, 'status'>> & { readonly reason?: string };

const columns = {
  name: { title: 'configuration', textTitle: 'cell', value: (cell) => nameOfCase(cell.case) },
  ...axisColumns(),
  status: { value: ({ status }) => status },
  samples: { value: ({ ms }) => ms?.count },
  medianMs: { title: 'median', textTitle: 'median ms', value: ({ ms }) => ms?.median, ...time },
  interval: {
    title: '95 %',
    value: ({ interval }) => interval?.low,
    show: ({ interval }) => interval && formatRange(interval, formatMs, '…'),
    showHtml: ({ interval }) => interval && formatRange(interval, formatFigure),
    isForPeople: true,
  },
  medianLowMs: { value: ({ interval }) => interval?.low },
  medianHighMs: { value: ({ interval }) => interval?.high },
  minMs: { title: 'min', value: ({ ms }) => ms?.min, ...time },
  p10Ms: { value: ({ ms }) => ms?.p10 },
  p90Ms: { title: 'p90', value: ({ ms }) => ms?.p90, ...time },
  p99Ms: { title: 'p99', value: ({ ms }) => ms?.p99, ...time },
  maxMs: { value: ({ ms }) => ms?.max },
  projectionsMs: { title: 'projections', value: (cell) => layerParts(cell)?.projections, ...time },
  attentionMs: { title: 'attention', value: (cell) => layerParts(cell)?.attention, ...time },
  uploadMs: { title: 'upload', value: ({ device }) => device?.uploadMs, ...time },
  computeMs: { title: 'compute', value: ({ device }) => device?.computeMs, ...time },
  readBackMs: { title: 'read back', value: ({ device }) => device?.readBackMs, ...time },
  deviceBytes: {
    title: 'on the device',
    textTitle: 'device',
    value: ({ device }) => device?.bufferBytes,
    ...bytes,
  },
  spread: { value: ({ spread }) => spread, ...share },
  flop: { value: ({ flop }) => flop },
  tokensPerSecond: { title: 'tokens/s', value: (cell) => cell.tokensPerSecond, format: formatCount },
  gflopPerSecond: { title: 'GFLOP/s', value: ({ gflopPerSecond }) => gflopPerSecond, ...rate },
  peakShare: {
    title: 'of peak',
    textTitle: 'peak',
    value: ({ peakShare }) => (peakShare === undefined ? null : shareOfPeak({ peakShare })),
    ...share,
  },
  gigabytesPerSecond: { title: 'GB/s', value: ({ gigabytesPerSecond }) => gigabytesPerSecond, ...rate },
  residentBytes: { title: 'resident', textTitle: 'RSS', value: (cell) => cell.residentBytes, ...bytes },
  workingBytes: { title: 'working', textTitle: 'engine', value: (cell) => cell.workingBytes, ...bytes },
  fixedBytes: { value: ({ fixedBytes }) => fixedBytes },
  error: { value: ({ error }) => error, format: formatFigure },
  control: { value: ({ control }) => control?.median, format: (ratio) => ratio.toFixed(3) },
  controlLow: { value: ({ control }) => control?.interval.low },
  controlHigh: { value: ({ control }) => control?.interval.high },
  isNoisy: { value: ({ isNoisy }) => isNoisy },
  reason: { value: ({ reason }) => reason },
  why: { value: ({ reason }) => reason, isForPeople: true },
} satisfies Columns<Row>;

function layerParts({ case: benchCase, phaseMs }: Row): LayerParts | null {
  return phaseMs === undefined ? null : partsOf({ case: benchCase, phaseMs });
}

function axisColumns(): Columns<Row, GridAxis> {
  const columnOf = (axis: GridAxis) => ({ value: (cell: Row) => cell.case[axis], format: formatCount });
  return Object.fromEntries(gridAxes.map((axis) => [axis, columnOf(axis)])) as Columns<Row, GridAxis>;
}

function markOf({ status, isNoisy }: Row): RowMark | undefined {
  if (status === 'unavailable') return unavailable;
  return isNoisy === true ? noisy : undefined;
}

/** There only where one of the cells has a GPU. */
const deviceColumns = ['uploadMs', 'computeMs', 'readBackMs', 'deviceBytes'] as const;

type ColumnName = keyof typeof columns;
const allColumns: Columns<Row, ColumnName> = columns;

/** These names without those of a device where none of the cells has one. */
function namesFor(cells: readonly Cell[], names: readonly ColumnName[]): ColumnName[] {
  const isOnDevice = cells.some((cell) => cell.status === 'measured' && cell.device !== undefined);
  return names.filter((name) => isOnDevice || !deviceColumns.some((other) => other === name));
}

const textColumns = [
  'name',
  'medianMs',
  'interval',
  'p90Ms',
  'p99Ms',
  'minMs',
  'spread',
  'tokensPerSecond',
  'gflopPerSecond',
  'peakShare',
  'gigabytesPerSecond',
  'residentBytes',
  'workingBytes',
  ...deviceColumns,
] as const;

const htmlColumns = [
  'name',
  'medianMs',
  'interval',
  'gflopPerSecond',
  'peakShare',
  'gigabytesPerSecond',
  'tokensPerSecond',
  'minMs',
  'p90Ms',
  'p99Ms',
  'projectionsMs',
  'attentionMs',
  ...deviceColumns,
  'spread',
  'control',
  'error',
  'residentBytes',
  'workingBytes',
  'tokens',
  'heads',
  'headDim',
  'batch',
  'threads',
  'why',
] as const;

function formatOutcome({ found, ...outcome }: BarOutcome): string {
  return formatBar({ ...outcome, found: found === null ? 'not measured' : formatFigure(found) });
}

/** A line a cell, and below a line a law and a bar; noisy ones begin with `~`, and those that can't be measured say why. */
export function formatGridTable({ cells, machine, laws, bars = [], ...results }: GridResults): string {
  const { title, version, instructionSets, adapter, elapsedMs, busy } = results;
  const measured = cells.filter((cell) => cell.status === 'measured');
  const names = Object.entries(instructionSets).map(([kernel, set]) => `${kernel} (${set})`);
  const table = {
    columns: select(allColumns, namesFor(cells, textColumns)),
    rows: measured,
    markOf,
  };
  const missing = cells.filter((cell) => cell.status === 'unavailable');
  const restless = measured.filter(({ isNoisy }) => isNoisy).length;
  const growth = formatGrowth(laws);
  return [
    `${title}: headpool ${version}, ${names.join(', ')}, Node ${machine.node}`,
    `${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.platform}`,
    ...(adapter === undefined ? [] : [`GPU: ${adapter}`]),
    ...describeBusy(busy),
    '',
    formatTextTable(table),
    ...(missing.length === 0 ? [] : ['']),
    ...missing.map((cell) => `  ${nameOfCase(cell.case)}: not measured: ${cell.reason}`),
    ...(growth === '' ? [] : ['', growth]),
    '',
    `${formatQuantity(measured.length, 'cell')} in ${formatDuration(elapsedMs)}; peak: share of the multiply-add rate measured in between`,
    ...(restless === 0
      ? []
      : [
          `~ ${formatCount(restless)} noisy: the machine was busy with something else, and a call timed against itself differs`,
        ]),
    ...(bars.length === 0 ? [] : ['']),
    ...bars.map(formatOutcome),
  ].join('\n');
}

/** To be sorted. */
export function formatCells(cells: readonly Cell[]): Markup {
  return formatHtmlTable({
    caption: `${formatQuantity(cells.length, 'configuration')}; times are milliseconds of a call`,
    columns: select(allColumns, namesFor(cells, htmlColumns)),
    rows: cells,
    markOf,
    isSortable: true,
    isWide: true,
  });
}

/** A line a cell; what a cell hasn't is empty. Units are in the names. */
export function formatGridCsv({ cells }: GridResults): string {
  const names = namesFor(cells, Object.keys(columns) as ColumnName[]);
  return formatCsv(Object.fromEntries(names.map((name) => [name, allColumns[name]])), cells);
}
