// How cost grows along the axes of a grid, as text: a line for each series of cells.
import type { GridLaws, GrowthLaw } from '../measure/grid/results.js';
import { formatExponent, growthRows, type GrowthRow } from './growth-rows.js';
import { formatCount, formatTable } from './table.js';

const header = ['growth of', 'from', 'to', 'FLOP', 'time', 'projections', 'attention', 'memory', 'equal at'];

/** Several lines without a line break at their end; '' without laws. */
export function formatGrowth(laws: GridLaws): string {
  const rows = growthRows(laws);
  if (rows.length === 0) return '';
  return [
    formatTable(
      [header, ...rows.map(cellsOf)],
      header.map((_, column) => (column === 0 || (column > 3 && column < 8) ? 'left' : 'right')),
    ),
    '',
    'b of a·x^b through the medians, by least squares on logarithms, with its 95 % interval; memory: of cache and calls;',
    'equal at: where projections and attention of a layer cost the same, by time and by FLOP',
  ].join('\n');
}

function cellsOf({ name, from, to, laws, crossover, isNoisy }: GrowthRow): string[] {
  const { time, projections, attention, memory } = laws;
  const flopAt = crossover?.flopAt ?? null;
  return [
    `${isNoisy ? '~' : ' '} ${name}`,
    formatCount(from),
    formatCount(to),
    time?.flopExponent == null ? '' : formatExponent(time.flopExponent),
    ...[time, projections, attention, memory].map(formatLaw),
    crossover === undefined
      ? ''
      : `${formatCount(crossover.at)}${flopAt === null ? '' : `, ${formatCount(flopAt)}`}`,
  ];
}

/** '1.72 (1.65…1.80)' */
function formatLaw(law: GrowthLaw | undefined): string {
  if (law === undefined) return '';
  const { exponent, interval } = law;
  const range =
    interval === null ? '' : ` (${formatExponent(interval.low)}…${formatExponent(interval.high)})`;
  return `${formatExponent(exponent)}${range}`;
}
