// Milliseconds and operations a second against tokens: a line for each series of one mode, both axes logarithmic.
import type { BenchMode, MeasuredCell } from '../../grid/results.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import { drawLineChart } from '../../../page/charts/line-chart.js';
import { styleOf, type Point } from '../../../page/charts/marks.js';
import { xRange, yRange } from '../../../page/charts/plot.js';
import { isPositive, logAxis, powerAxis } from '../../../page/charts/scales.js';
import { formatQuantity, formatTick, formatTokens } from '../../../page/figures.js';
import { describeCommon, modeTitles, noisyEntry, seriesOf, tokensTitle, tooltipOf } from './series.js';

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

function drawMeasure(
  cells: readonly MeasuredCell[],
  mode: BenchMode,
  { name, title, unit, valueOf }: Measure,
): Chart[] {
  const toPoint = (cell: MeasuredCell) => ({
    x: cell.case.tokens,
    ...valueOf(cell),
    tooltip: tooltipOf(cell),
    isHollow: cell.isNoisy,
  });
  const series = seriesOf(cells).map((own, index) => ({
    name: own.name,
    style: styleOf(index),
    points: own.cells.map(toPoint).filter(({ x, y }) => isPositive(x) && isPositive(y)),
  }));
  const points = series.flatMap((own) => own.points);
  if (points.length === 0) return [];
  const xAxis = powerAxis(
    points.map(({ x }) => x),
    xRange,
  );
  const yAxis = logAxis(
    points.flatMap(({ y, interval }) => [y, interval.low, interval.high]),
    yRange,
  );
  const heading = `${modeTitles[mode]}: ${title}`;
  const names = series.map((own) => own.name).join('; ');
  const chart = drawLineChart({
    about: {
      name: nameOf(name, mode),
      title: heading,
      heading,
      caption: describeCommon(cells.map((cell) => cell.case)),
      description: `${unit} against ${tokensTitle(mode)}, both logarithmic, ${formatQuantity(series.length, 'line')}: ${names}.`,
    },
    x: { axis: xAxis, title: tokensTitle(mode), format: (tokens) => formatTokens(tokens) },
    y: { axis: yAxis, title: unit, format: formatTick },
    series,
    entries: noisyEntry(points),
  });
  return [chart];
}
