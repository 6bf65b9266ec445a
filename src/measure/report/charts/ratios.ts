// How many times the time of A each cell takes in B: a point with its interval, the worst at the top.
import { largestOf, leastOf } from '../../../core/lists.js';
import type { ComparedCell, Comparison } from '../../grid/compare.js';
import type { Chart } from '../../../page/charts/chart.js';
import { drawIntervalChart, intervalRange, type IntervalRow } from '../../../page/charts/interval-chart.js';
import type { SeriesStyle } from '../../../page/charts/marks.js';
import { isPositive, ratioAxis } from '../../../page/charts/scales.js';
import { formatFigure, formatQuantity, formatRange, formatRatio, formatTick } from '../../../page/figures.js';
import { worstFirst } from '../comparison-table.js';
import { groupBy } from './series.js';

const withoutVerdict = 'no verdict';

// Shapes that tell verdicts apart without their colours.
const styles: ReadonlyMap<string, SeriesStyle> = new Map([
  ['slower', { colour: 1, shape: 2 }],
  ['same', { colour: 5, shape: 0 }],
  ['faster', { colour: 2, shape: 1 }],
  [withoutVerdict, { colour: 7, shape: 0 }],
]);

// Of one chart, so that it has room beside another one.
const mostRows = 16;
// How far beyond the ratios the axis follows their intervals: those that go on end with an arrow.
const mostBeyond = 1.5;

/** As many charts with the same axis as it takes; none without a ratio. */
export function drawRatios({ cells }: Comparison): Chart[] {
  const rows = worstFirst(cells).flatMap(rowOf);
  const groups = groupBy([...rows.keys()], (index) => Math.floor(index / mostRows));
  const axis = ratioAxis(extentOf(rows), intervalRange);
  return groups.map((indices) =>
    drawIntervalChart({
      about: {
        name: 'ratios',
        title: 'Time of B as a multiple of that of A',
        heading:
          groups.length === 1 ? 'B against A' : `B against A, ${indices[0]! + 1} to ${indices.at(-1)! + 1}`,
        caption: 'Times of the multiply-adds\u2019 rate of their moment; right of 1 B is slower.',
        description: `Ratios of ${formatQuantity(indices.length, 'configuration')} with their intervals, on a logarithmic axis.`,
      },
      x: { axis, title: 'times A', format: formatTick },
      reference: 1,
      rows: indices.map((index) => rows[index]!),
      styles,
    }),
  );
}

function rowOf({ name, a, b, ratio, interval, verdict, mark }: ComparedCell): IntervalRow[] {
  if (ratio === null || !isPositive(ratio)) return [];
  const range = interval === null ? '' : ` (${formatRange(interval, formatRatio)})`;
  const row = {
    name,
    group: verdict ?? withoutVerdict,
    value: ratio,
    ...(interval && { interval }),
    tooltip: [
      name,
      `${formatRatio(ratio)} times A${range}: ${verdict ?? mark ?? withoutVerdict}`,
      `A ${formatFigure(a ?? Number.NaN)} ms, B ${formatFigure(b ?? Number.NaN)} ms`,
    ].join('\n'),
    isHollow: verdict === null,
  };
  return [row];
}

function extentOf(rows: readonly IntervalRow[]): number[] {
  const ratios = rows.map(({ value }) => value);
  const [least, most] = [leastOf(ratios) / mostBeyond, largestOf(ratios) * mostBeyond];
  const ends = rows.flatMap(({ interval }) => (interval ? [interval.low, interval.high] : []));
  return [...ratios, ...ends.map((end) => Math.min(most, Math.max(least, end)))];
}
