// Efficiency against workers: of one worker's speed, and of what as many threads reach with nothing but multiply-adds.
import type { ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import { formatFigure, formatQuantity, formatShare, formatTick } from '../../../page/figures.js';
import { markup, type Markup } from '../../../page/markup.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import { curveTitle, drawBeyond, drawPredicted, edgeOf, predictedPoint } from './curves.js';
import {
  drawHollowSample,
  drawLine,
  drawLineSample,
  drawPoint,
  drawSample,
  drawSeriesLine,
  styleOf,
  type Axes,
  type Point,
} from '../../../page/charts/marks.js';
import { composeChart, drawAxes, xRange, yRange } from '../../../page/charts/plot.js';
import { isPositive, shareAxis, workersAxis } from '../../../page/charts/scales.js';

/** Null without a point that can be drawn. */
export function drawEfficiency(curve: ScalingCurve): Chart | null {
  const isDrawn = ({ x, y }: Point): boolean => isPositive(x) && Number.isFinite(y);
  const ofOne = curve.points.map(pointOfOne).filter(isDrawn);
  const ofPeak = curve.points.map(pointOfPeak).filter(isDrawn);
  const predicted = curve.predicted
    .map((point) => predictedPoint(point, point.speedUp / point.workers))
    .filter(isDrawn);
  const points = [...ofOne, ...ofPeak, ...predicted];
  if (points.length === 0) return null;
  const axes = axesOf(points);
  const series = [
    { name: 'of one worker', points: ofOne, style: styleOf(0) },
    { name: 'of the multiply-adds', points: ofPeak, style: styleOf(2) },
  ].filter((one) => one.points.length > 0);
  const title = curveTitle(curve);
  const about = {
    name: nameOf('efficiency', curve.kind, curve.axis),
    ...{ title: `${title}: efficiency`, heading: 'Efficiency' },
    caption: 'Of as many times one worker, and of the multiply-adds alone.',
    description: `Speed-up for each worker, and as a share of what the same number of threads gain with nothing but multiply-adds, for ${title.toLowerCase()}.`,
  };
  const frame = drawAxes(
    { axis: axes.x, title: 'workers', format: formatTick },
    { axis: axes.y, title: 'efficiency', format: formatShare },
  );
  const lines = series.map((one) => drawSeriesLine(one.points, axes, one.style));
  const marks = series.flatMap((one) =>
    one.points.map((point) => drawPoint(one.name, point, axes, one.style)),
  );
  return composeChart(
    about,
    markup`${drawBeyond(edgeOf(curve), axes)}${frame}${drawIdeal(points, axes)}${drawPredicted(predicted, axes)}${lines}${marks}`,
    [
      ...series.map(({ name, style }) => ({ name, sample: drawSample(style) })),
      ...(predicted.length === 0 ? [] : [{ name: 'predicted', sample: drawHollowSample('s1', true) }]),
      { name: 'ideal', sample: drawLineSample(idealClass) },
    ],
  );
}

const idealClass = 'neutral thin dash-2';

function axesOf(points: readonly Point[]): Axes {
  const workers = [1, ...points.map(({ x }) => x)];
  const shares = [1, ...points.map(({ y }) => y)];
  return { x: workersAxis(workers, Math.max(...workers), xRange), y: shareAxis(shares, yRange) };
}

function drawIdeal(points: readonly Point[], axes: Axes): Markup {
  const most = Math.max(...points.map(({ x }) => x));
  return drawLine(
    [1, most].map((x) => ({ x, y: 1 })),
    axes,
    idealClass,
  );
}

function pointOfOne({ workers, efficiency, speedUp, speedUpInterval: { low, high } }: ScalingPoint): Point {
  return {
    ...{ x: workers, y: efficiency },
    interval: { low: low / workers, high: high / workers },
    tooltip: `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one, ${formatShare(efficiency)} of ${workers}`,
  };
}

function pointOfPeak({ workers, peakEfficiency, speedUp, peakSpeedUp }: ScalingPoint): Point {
  return {
    ...{ x: workers, y: peakEfficiency },
    tooltip: `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one, ${formatShare(peakEfficiency)} of the ${formatFigure(peakSpeedUp)} times of nothing but multiply-adds`,
  };
}
