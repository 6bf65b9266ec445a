// Milliseconds and operations a second against tokens: a line for each series of one mode, both axes logarithmic.
import { largestOf, leastOf } from '../../../core/lists.js';
import type { BenchMode, MeasuredCell } from '../../grid/results.js';
import { nameOf, type Chart, type ChartText } from '../../../page/charts/chart.js';
import { drawLineChart } from '../../../page/charts/line-chart.js';
import { styleOf, type Point } from '../../../page/charts/marks.js';
import { xRange, yRange } from '../../../page/charts/plot.js';
import { isPositive, logAxis, powerAxis } from '../../../page/charts/scales.js';
import { formatQuantity, formatTick, formatTokens } from '../../../page/figures.js';
import {
  describeCommon,
  modeTitles,
  noisyEntry,
  seriesOf,
  splitCharts,
  tokensTitle,
  tooltipOf,
  type ChartCells,
} from './series.js';

interface Measure {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly valueOf: (cell: MeasuredCell) => Required<Pick<Point, 'y' | 'interval'>>;
}

const time: Measure = {
  name: 'time',
  title: 'time of a call',
  unit: 'ms',
  valueOf: ({ ms, interval }) => ({ y: ms.median, interval }),
};

const rate: Measure = {
  name: 'rate',
  title: 'operations a second',
  unit: 'GFLOP/s',
  valueOf: ({ gflopPerSecond, flop, interval: { low, high } }) => ({
    y: gflopPerSecond,
    interval: { low: flop / (high * 1e6), high: flop / (low * 1e6) },
  }),
};

/** Of a mode's cells; none where no cell can be drawn. */
export function drawTimeAndRate(cells: readonly MeasuredCell[], mode: BenchMode): Chart[] {
  const ofMode = cells.filter((cell) => cell.case.mode === mode);
  return [time, rate].flatMap((measure) => drawMeasure(ofMode, mode, measure));
}

/** A chart, or several with the same axes where one would have too many lines. */
function drawMeasure(cells: readonly MeasuredCell[], mode: BenchMode, measure: Measure): Chart[] {
  const { unit, valueOf } = measure;
  const toPoint = (cell: MeasuredCell): MeasuredPoint => ({
    x: cell.case.tokens,
    ...valueOf(cell),
    tooltip: tooltipOf(cell),
    isHollow: cell.isNoisy,
  });
  const drawn = cells.filter((cell) => [cell.case.tokens, valueOf(cell).y].every(isPositive));
  if (drawn.length === 0) return [];
  const points = drawn.map(toPoint);
  const tokens = points.map(({ x }) => x);
  const axes = {
    x: {
      axis: powerAxis(tokens, xRange),
      title: tokensTitle(mode),
      format: (value: number) => formatTokens(value),
    },
    y: { axis: logAxis(heightsOf(points), yRange), title: unit, format: formatTick },
  };
  return splitCharts(drawn).map((chart) => {
    const series = seriesOf(chart.cells).map((own, index) => ({
      name: own.name,
      style: styleOf(index),
      points: own.cells.map(toPoint),
    }));
    const entries = noisyEntry(series.flatMap((own) => own.points));
    return drawLineChart({ about: describe(chart, mode, measure), ...axes, series, entries });
  });
}

type MeasuredPoint = Required<Pick<Point, 'interval'>> & Point;

// Intervals may be ten times as wide as all points together, which would all look alike then: those end with an arrow.
const mostBeyond = 3;

/** What the axis has to hold: all points, and of their intervals what isn't far beyond them. */
function heightsOf(points: readonly MeasuredPoint[]): number[] {
  const heights = points.map(({ y }) => y);
  const [least, most] = [leastOf(heights) / mostBeyond, largestOf(heights) * mostBeyond];
  return points.flatMap(({ y, interval: { low, high } }) => [y, Math.max(least, low), Math.min(most, high)]);
}

function describe({ labels, cells }: ChartCells, mode: BenchMode, { name, title, unit }: Measure): ChartText {
  const heading = [`${modeTitles[mode]}: ${title}`, ...labels].join(', ');
  const series = seriesOf(cells);
  const names = series.map((own) => own.name).join('; ');
  return {
    name: nameOf(name, mode, labels.join(' ')),
    title: heading,
    heading,
    caption: describeCommon(
      cells.map((cell) => cell.case),
      labels,
    ),
    description: `${unit} against ${tokensTitle(mode)}, both logarithmic, ${formatQuantity(series.length, 'line')}: ${names}.`,
  };
}
