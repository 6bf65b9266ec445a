// The cells of a grid as CSV, a line each (RFC 4180): for spreadsheets and other programs. Units are in the names.
import { gridAxes } from '../grid/cut.js';
import { partsOf } from '../grid/cells.js';
import { nameOfCase, type Cell, type GridResults } from '../grid/results.js';

type Value = string | number | boolean | null;

interface Column {
  readonly name: string;
  readonly valueOf: (cell: Cell) => Value;
}

const caseColumns = gridAxes.map((name): Column => ({ name, valueOf: (cell) => cell.case[name] }));

type Measured = Extract<Cell, { readonly status: 'measured' }>;

const measuredColumns: readonly Column[] = (
  [
    ['samples', ({ ms }) => ms.count],
    ['medianMs', ({ ms }) => ms.median],
    ['medianLowMs', ({ interval }) => interval.low],
    ['medianHighMs', ({ interval }) => interval.high],
    ['minMs', ({ ms }) => ms.min],
    ['p10Ms', ({ ms }) => ms.p10],
    ['p90Ms', ({ ms }) => ms.p90],
    ['p99Ms', ({ ms }) => ms.p99],
    ['maxMs', ({ ms }) => ms.max],
    ['projectionsMs', (cell) => partsOf(cell)?.projections ?? null],
    ['attentionMs', (cell) => partsOf(cell)?.attention ?? null],
    ['spread', ({ spread }) => spread],
    ['flop', ({ flop }) => flop],
    ['tokensPerSecond', ({ tokensPerSecond }) => tokensPerSecond],
    ['gflopPerSecond', ({ gflopPerSecond }) => gflopPerSecond],
    ['peakShare', ({ peakShare }) => peakShare],
    ['gigabytesPerSecond', ({ gigabytesPerSecond }) => gigabytesPerSecond],
    ['residentBytes', ({ residentBytes }) => residentBytes],
    ['workingBytes', ({ workingBytes }) => workingBytes],
    ['fixedBytes', ({ fixedBytes }) => fixedBytes],
    ['error', ({ error }) => error],
    ['control', ({ control }) => control.median],
    ['controlLow', ({ control }) => control.interval.low],
    ['controlHigh', ({ control }) => control.interval.high],
    ['isNoisy', ({ isNoisy }) => isNoisy],
  ] as const satisfies readonly (readonly [string, (cell: Measured) => Value])[]
).map(([name, valueOf]) => ({
  name,
  valueOf: (cell) => (cell.status === 'measured' ? valueOf(cell) : null),
}));

const columns: readonly Column[] = [
  { name: 'name', valueOf: (cell) => nameOfCase(cell.case) },
  ...caseColumns,
  { name: 'status', valueOf: ({ status }) => status },
  ...measuredColumns,
  { name: 'reason', valueOf: (cell) => (cell.status === 'unavailable' ? cell.reason : null) },
];

/** A header and a line a cell; what a cell hasn't is empty. */
export function formatGridCsv({ cells }: GridResults): string {
  const lines = [
    columns.map(({ name }) => name),
    ...cells.map((cell) => columns.map(({ valueOf }) => formatValue(valueOf(cell)))),
  ];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

function formatValue(value: Value): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
