// How cost grows along the axes of a grid, as text and on a page: a row for each series of cells, with the exponents of
// all its quantities.
import type { Crossover, GridLaws, GrowthLaw, LawQuantity } from '../grid/results.js';
import { formatCount, formatRange } from '../../page/figures.js';
import { markup, nothing, when, type Markup } from '../../page/markup.js';
import {
  formatHtmlTable,
  formatTextTable,
  select,
  type Column,
  type Columns,
  type RowMark,
} from '../../page/table.js';
import { noisy } from './row-marks.js';

interface GrowthRow {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly laws: Readonly<Partial<Record<LawQuantity, GrowthLaw>>>;
  readonly crossover: Crossover | undefined;
  readonly isNoisy: boolean;
}

/** In the order of the laws. */
function growthRows({ growth, crossovers }: GridLaws): GrowthRow[] {
  // A name has a word for the axis, so that no two axes have one in common.
  const names = [...new Set(growth.map(({ name }) => name))];
  return names.map((name): GrowthRow => {
    const own = growth.filter((law) => law.name === name);
    return {
      name,
      from: own[0]!.from,
      to: own[0]!.to,
      laws: Object.fromEntries(own.map((law) => [law.quantity, law])),
      crossover: crossovers.find((crossover) => crossover.name === name),
      isNoisy: own.some(({ isNoisy }) => isNoisy),
    };
  });
}

const columns = {
  name: { title: 'growth of', value: ({ name }) => name },
  from: { value: ({ from }) => from, format: formatCount },
  to: { value: ({ to }) => to, format: formatCount },
  x: { value: ({ from }) => from, show: ({ from, to }) => formatRange({ low: from, high: to }, formatCount) },
  time: { ...lawColumn('time'), textTitle: 'time / FLOP' },
  projections: { ...lawColumn('projections'), textTitle: 'projections / FLOP' },
  attention: { ...lawColumn('attention'), textTitle: 'attention / FLOP' },
  memory: lawColumn('memory'),
  crossover: {
    title: 'parts equal at',
    textTitle: 'equal at: by time / FLOP',
    value: ({ crossover }) => crossover?.at,
    show: ({ crossover }) =>
      crossover && besideFlop(formatCount(crossover.at), crossover.flopAt, formatCount),
    showHtml: ({ crossover }) =>
      crossover && markup`${formatCount(crossover.at)} ${mutedFlop(crossover.flopAt, formatCount)}`,
  },
} satisfies Columns<GrowthRow>;

function lawColumn(quantity: LawQuantity): Column<GrowthRow> {
  return {
    value: ({ laws }) => laws[quantity]?.exponent,
    show: ({ laws }) => laws[quantity] && formatLaw(laws[quantity]),
    showHtml: ({ laws }) => laws[quantity] && formatLawOnPage(laws[quantity]),
  };
}

/** '1.72 (1.65…1.80) / 1.75' */
function formatLaw({ exponent, interval, flopExponent }: GrowthLaw): string {
  const range = interval === null ? '' : ` (${formatRange(interval, formatExponent, '…')})`;
  return besideFlop(`${formatExponent(exponent)}${range}`, flopExponent, formatExponent);
}

function formatLawOnPage({ exponent, interval, flopExponent }: GrowthLaw): Markup {
  const range = interval === null ? '' : formatRange(interval, formatExponent);
  return markup`${formatExponent(exponent)} ${muted(range)}${mutedFlop(flopExponent, formatExponent)}`;
}

function besideFlop(text: string, flop: number | null, format: (value: number) => string): string {
  return flop === null ? text : `${text} / ${format(flop)}`;
}

function mutedFlop(flop: number | null, format: (value: number) => string): Markup {
  return muted(flop === null ? '' : `FLOP ${format(flop)}`);
}

function muted(text: string): Markup {
  return when(text !== '', () => markup`<span class="muted">${text}</span>`);
}

/** 1.7236 -> '1.72'; never '-0.00'. */
function formatExponent(exponent: number): string {
  return (Math.round(exponent * 100) / 100 || 0).toFixed(2);
}

const quantities = ['time', 'projections', 'attention', 'memory', 'crossover'] as const;

/** Several lines without a line break at their end; '' without laws. */
export function formatGrowth(laws: GridLaws): string {
  const rows = growthRows(laws);
  if (rows.length === 0) return '';
  return [
    formatTextTable({ columns: select(columns, ['name', 'from', 'to', ...quantities]), rows, markOf }),
    '',
    'b of a·x^b through the medians, by least squares on logarithms, with its 95 % interval; memory: of cache and calls;',
    'equal at: where projections and attention of a layer cost the same',
  ].join('\n');
}

/** Nothing without laws. */
export function formatGrowthOnPage(laws: GridLaws): Markup {
  const rows = growthRows(laws);
  if (rows.length === 0) return nothing;
  return formatHtmlTable({
    id: 'growth',
    label: 'How cost grows',
    caption:
      'How cost grows: the exponent b of a·x^b through the medians, by least squares on logarithms, where at least three configurations differ in nothing but x; below it the interval that holds b with 95 % confidence, and the exponent of the FLOP. Memory is that of cache and calls, without weights',
    columns: select(columns, ['name', 'x', ...quantities]),
    rows,
    markOf,
    hasCards: true,
  });
}

function markOf({ isNoisy }: GrowthRow): RowMark | undefined {
  return isNoisy ? noisy : undefined;
}
