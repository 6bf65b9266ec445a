// Milliseconds or operations a second against tokens: a line for each series of one mode, both axes logarithmic.
import type { BenchMode, MeasuredCell } from '../../grid/results.js';
import { formatQuantity, formatTick, formatTokens } from '../../../page/figures.js';
import { markup, type Markup } from '../../../page/markup.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import {
  drawHollowSample,
  drawPoint,
  drawSample,
  drawSeriesLine,
  styleOf,
  type Axes,
  type Point,
  type SeriesStyle,
} from '../../../page/charts/marks.js';
import { modeTitles, tokensTitle } from './modes.js';
import { composeChart, drawAxes, xRange, yRange, type LegendEntry } from '../../../page/charts/plot.js';
import { isPositive, logAxis, powerAxis } from '../../../page/charts/scales.js';
import { describeCommon, seriesOf } from './series.js';
import { tooltipOf } from './tooltip.js';

type Figure = 'time' | 'rate';

interface Measure {
  readonly title: string;
  readonly axisTitle: string;
  readonly toPoint: (cell: MeasuredCell) => Point;
}

const measures: Readonly<Record<Figure, Measure>> = {
  time: {
    title: 'time of a call',
    axisTitle: 'ms',
    toPoint: (cell) => ({ ...pointOf(cell), y: cell.ms.median, interval: cell.interval }),
  },
  rate: {
    title: 'operations a second',
    axisTitle: 'GFLOP/s',
    toPoint: (cell) => ({
      ...pointOf(cell),
      y: cell.gflopPerSecond,
      interval: { low: rateAt(cell, cell.interval.high), high: rateAt(cell, cell.interval.low) },
    }),
  },
};

interface Line {
  readonly name: string;
  readonly style: SeriesStyle;
  readonly points: readonly Point[];
}

/** The chart of a mode's cells; null without any that can be drawn. */
export function drawLineChart(cells: readonly MeasuredCell[], mode: BenchMode, figure: Figure): Chart | null {
  const { title, axisTitle, toPoint } = measures[figure];
  const ofMode = cells.filter((cell) => cell.case.mode === mode);
  const lines = seriesOf(ofMode).map(({ name, cells: own }, index): Line => {
    const points = own.map(toPoint).filter(({ x, y }) => isPositive(x) && isPositive(y));
    return { name, style: styleOf(index), points };
  });
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return null;
  const heading = `${modeTitles[mode]}: ${title}`;
  const names = lines.map(({ name }) => name).join('; ');
  const about = {
    ...{ name: nameOf(figure, mode), title: heading, heading },
    caption: describeCommon(ofMode.map((cell) => cell.case)),
    description: `${axisTitle} against ${tokensTitle(mode)}, both logarithmic, ${formatQuantity(lines.length, 'line')}: ${names}.`,
  };
  const axes = axesOf(points);
  const frame = drawAxes(
    { axis: axes.x, title: tokensTitle(mode), format: (tokens) => formatTokens(tokens) },
    { axis: axes.y, title: axisTitle, format: formatTick },
  );
  return composeChart(about, markup`${frame}${drawLines(lines, axes)}`, entriesOf(lines, points));
}

function axesOf(points: readonly Point[]): Axes {
  const tokens = points.map(({ x }) => x);
  const values = points.flatMap(({ y, interval }) => [y, interval?.low ?? y, interval?.high ?? y]);
  return { x: powerAxis(tokens, xRange), y: logAxis(values, yRange) };
}

/** Points above all lines. */
function drawLines(lines: readonly Line[], axes: Axes): Markup[] {
  return [
    ...lines.map(({ points, style }) => drawSeriesLine(points, axes, style)),
    ...lines.flatMap(({ name, points, style }) => points.map((point) => drawPoint(name, point, axes, style))),
  ];
}

function entriesOf(lines: readonly Line[], points: readonly Point[]): LegendEntry[] {
  const entries = lines.map(({ name, style }) => ({ name, sample: drawSample(style) }));
  const hasNoisy = points.some(({ isHollow }) => isHollow);
  return hasNoisy ? [...entries, { name: 'noisy', sample: drawHollowSample('neutral', false) }] : entries;
}

function rateAt({ flop }: MeasuredCell, ms: number): number {
  return flop / (ms * 1e6);
}

function pointOf(cell: MeasuredCell): Omit<Point, 'y'> {
  return { x: cell.case.tokens, tooltip: tooltipOf(cell), isHollow: cell.isNoisy };
}
