// How cost grows along the axes of a grid, as text: a line for each series of cells.
import type { GridLaws, GrowthLaw } from '../grid/results.js';
import { formatExponent, growthRows, type GrowthRow } from './growth-rows.js';
import { formatCount, formatTable } from '../../page/table.js';

const header = [
  ...['growth of', 'from', 'to', 'time / FLOP', 'projections / FLOP', 'attention / FLOP', 'memory'],
  'equal at: by time / FLOP',
];

/** Several lines without a line break at their end; '' without laws. */
export function formatGrowth(laws: GridLaws): string {
  const rows = growthRows(laws);
  if (rows.length === 0) return '';
  return [
    formatTable(
      [header, ...rows.map(cellsOf)],
      header.map((_, column) => (column === 1 || column === 2 ? 'right' : 'left')),
    ),
    '',
    'b of a·x^b through the medians, by least squares on logarithms, with its 95 % interval; memory: of cache and calls;',
    'equal at: where projections and attention of a layer cost the same',
  ].join('\n');
}

function cellsOf({ name, from, to, laws, crossover, isNoisy }: GrowthRow): string[] {
  const { time, projections, attention, memory } = laws;
  return [
    `${isNoisy ? '~' : ' '} ${name}`,
    formatCount(from),
    formatCount(to),
    ...[time, projections, attention, memory].map(formatLaw),
    crossover === undefined ? '' : besideFlop(formatCount(crossover.at), crossover.flopAt, formatCount),
  ];
}

/** '1.72 (1.65…1.80) / 1.75' */
function formatLaw(law: GrowthLaw | undefined): string {
  if (law === undefined) return '';
  const { exponent, interval, flopExponent } = law;
  const range =
    interval === null ? '' : ` (${formatExponent(interval.low)}…${formatExponent(interval.high)})`;
  return besideFlop(`${formatExponent(exponent)}${range}`, flopExponent, formatExponent);
}

function besideFlop(text: string, flop: number | null, format: (value: number) => string): string {
  return flop === null ? text : `${text} / ${format(flop)}`;
}
