// Speed-up against workers: measured, ideal, by the fitted laws, of nothing but multiply-adds, and as the plan's simulation
// predicts it for more workers than the machine has.
import type { ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import { formatFigure, formatQuantity, formatShare, formatTick } from '../../../page/figures.js';
import { markup, type Markup } from '../../../page/markup.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import { curveTitle, drawBeyond, drawPredicted, edgeOf, predictedPoint } from './curves.js';
import { amdahl, universal } from './laws.js';
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
import { composeChart, drawAxes, xRange, yRange, type LegendEntry } from '../../../page/charts/plot.js';
import { isPositive, workersAxis } from '../../../page/charts/scales.js';

/** Null without a point that can be drawn. */
export function drawSpeedUp(curve: ScalingCurve): Chart | null {
  const isDrawn = ({ x, y }: Point): boolean => isPositive(x) && isPositive(y);
  const measured = curve.points.map(measuredPoint).filter(isDrawn);
  const predicted = curve.predicted.map((point) => predictedPoint(point, point.speedUp)).filter(isDrawn);
  const points = [...measured, ...predicted];
  if (points.length === 0) return null;
  const most = Math.max(...points.map(({ x }) => x));
  const values = [1, most, ...points.map(({ y }) => y)];
  const axes: Axes = { x: workersAxis(values, most, xRange), y: workersAxis(values, most, yRange) };
  const guides = guidesOf(curve, most);
  const title = curveTitle(curve);
  const about = {
    ...{ name: nameOf('speed-up', curve.kind, curve.axis), title: `${title}: speed-up`, heading: 'Speed-up' },
    caption: "Work a second against one worker's.",
    description: `Work a second against one worker's, by number of workers, for ${title.toLowerCase()}; with the ideal, the fitted laws and the prediction of the plan's simulation.`,
  };
  const frame = drawAxes(
    { axis: axes.x, title: 'workers', format: formatTick },
    { axis: axes.y, title: 'times one worker', format: formatTick },
  );
  const lines = guides.map((guide) => drawGuide(guide, axes));
  return composeChart(
    about,
    markup`${drawBeyond(edgeOf(curve), axes)}${frame}${lines}${drawPredicted(predicted, axes)}${drawMeasured(measured, axes)}`,
    [
      ...when(measured, { name: 'measured', sample: drawSample(styleOf(0)) }),
      ...when(predicted, { name: 'predicted', sample: drawHollowSample('s1', true) }),
      ...guides.map(({ name, className }) => ({ name, sample: drawLineSample(className) })),
    ],
  );
}

function drawMeasured(points: readonly Point[], axes: Axes): Markup[] {
  const marks = points.map((point) => drawPoint('measured', point, axes, styleOf(0)));
  return [drawSeriesLine(points, axes, styleOf(0)), ...marks];
}

function when(points: readonly Point[], entry: LegendEntry): LegendEntry[] {
  return points.length > 0 ? [entry] : [];
}

function measuredPoint(point: ScalingPoint): Point {
  const { workers, speedUp, speedUpInterval: interval, ms, efficiency, peakSpeedUp } = point;
  return {
    ...{ x: workers, y: speedUp, interval },
    tooltip: [
      `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one (95 %: ${formatFigure(interval.low)} to ${formatFigure(interval.high)})`,
      `${formatFigure(ms.median)} ms, efficiency ${formatShare(efficiency)}`,
      `multiply-adds alone: ${formatFigure(peakSpeedUp)} times`,
    ].join('\n'),
  };
}

interface Guide {
  readonly name: string;
  readonly className: string;
  readonly line: readonly { readonly x: number; readonly y: number }[];
}

function guidesOf(
  { points, amdahl: amdahlFit, universal: universalFit }: ScalingCurve,
  most: number,
): Guide[] {
  const workers = sample(most);
  const drawn = (speedUp: (workers: number) => number): Guide['line'] =>
    workers.map((x) => ({ x, y: speedUp(x) })).filter(({ y }) => isPositive(y));
  return [
    { name: 'ideal', className: 'neutral thin dash-2', line: drawn((count) => count) },
    ...(points.length < 2
      ? []
      : [{ name: 'multiply-adds alone', className: 'neutral thin', line: peaksOf(points) }]),
    ...(amdahlFit === null
      ? []
      : [{ name: "Amdahl's law", className: 's2 thin', line: drawn((count) => amdahl(amdahlFit, count)) }]),
    ...(universalFit === null
      ? []
      : [
          {
            name: 'universal law',
            className: 's6 thin',
            line: drawn((count) => universal(universalFit, count)),
          },
        ]),
  ];
}

function peaksOf(points: readonly ScalingPoint[]): Guide['line'] {
  return points
    .map(({ workers, peakSpeedUp }) => ({ x: workers, y: peakSpeedUp }))
    .filter(({ x, y }) => isPositive(x) && isPositive(y));
}

const samples = 48;

/** Evenly spread on a logarithmic axis, close enough on a linear one. */
function sample(most: number): number[] {
  return Array.from({ length: samples + 1 }, (_, index) => most ** (index / samples));
}

function drawGuide({ line, className }: Guide, axes: Axes): Markup {
  const [low, high] = axes.y.domain;
  return drawLine(
    line.filter(({ y }) => y >= low && y <= high),
    axes,
    className,
  );
}
