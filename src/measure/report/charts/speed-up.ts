// Speed-up against workers: measured, ideal, by the fitted laws, of nothing but multiply-adds, and as the plan's simulation
// predicts it for more workers than the machine has. And efficiency: speed-up for each worker, and against what as many
// threads reach with nothing but multiply-adds.
import { largestOf } from '../../../core/lists.js';
import { gainOverPeak } from '../../busy.js';
import { amdahlSpeedUp, universalSpeedUp } from '../../scaling/laws.js';
import type { ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import type { Chart } from '../../../page/charts/chart.js';
import type { Guide } from '../../../page/charts/line-chart.js';
import { styleOf, type Axes, type Point } from '../../../page/charts/marks.js';
import { xRange, yRange } from '../../../page/charts/plot.js';
import { isPositive, shareAxis, workersAxis } from '../../../page/charts/scales.js';
import { formatFigure, formatQuantity, formatRange, formatShare, formatTick } from '../../../page/figures.js';
import { aboutCurve, curveTitle, drawCurveChart, predictedPoint } from './curves.js';

/** Null without a point that can be drawn. */
export function drawSpeedUp(curve: ScalingCurve): Chart | null {
  const measured = curve.points.map(measuredPoint).filter(isDrawn);
  const predicted = curve.predicted.map((point) => predictedPoint(point, point.speedUp)).filter(isDrawn);
  const points = [...measured, ...predicted];
  if (points.length === 0) return null;
  const most = largestOf(points.map(({ x }) => x));
  const values = [1, most, ...points.map(({ y }) => y)];
  const axes: Axes = { x: workersAxis(values, most, xRange), y: workersAxis(values, most, yRange) };
  return drawCurveChart({
    curve,
    about: aboutCurve(curve, 'speed-up', {
      heading: 'Speed-up',
      caption: "Work a second against one worker's.",
      description: `Work a second against one worker's, by number of workers, for ${curveTitle(curve).toLowerCase()}; with the ideal, the fitted laws and the prediction of the plan's simulation.`,
    }),
    axes,
    y: { title: 'times one worker', format: formatTick },
    series: [{ name: 'measured', style: styleOf(0), points: measured }],
    predicted,
    guides: guidesOf(curve, most).map((guide) => ({ ...guide, line: clip(guide.line, axes) })),
  });
}

function isDrawn({ x, y }: Pick<Point, 'x' | 'y'>): boolean {
  return isPositive(x) && isPositive(y);
}

function measuredPoint(point: ScalingPoint): Point {
  const { workers, speedUp, speedUpInterval: interval, ms, efficiency, peakSpeedUp } = point;
  return {
    x: workers,
    y: speedUp,
    interval,
    tooltip: [
      `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one (95 %: ${formatRange(interval, formatFigure)})`,
      `${formatFigure(ms.median)} ms, efficiency ${formatShare(efficiency)}`,
      `multiply-adds alone: ${formatFigure(peakSpeedUp)} times`,
    ].join('\n'),
  };
}

const samples = 48;

function guidesOf({ points, amdahl, universal }: ScalingCurve, most: number): Guide[] {
  // Evenly spread on a logarithmic axis, close enough on a linear one.
  const workers = Array.from({ length: samples + 1 }, (_, index) => most ** (index / samples));
  const guide = (name: string, className: string, speedUpOf: (workers: number) => number): Guide => ({
    name,
    className,
    line: workers.map((x) => ({ x, y: speedUpOf(x) })),
  });
  const peaks = points.map(({ workers: x, peakSpeedUp: y }) => ({ x, y }));
  const guides = [
    guide('ideal', 'neutral thin dash-2', (count) => count),
    points.length >= 2 && { name: 'multiply-adds alone', className: 's4 thin', line: peaks },
    amdahl && guide("Amdahl's law", 's2 thin', (count) => amdahlSpeedUp(amdahl.serial, count)),
    universal &&
      guide('universal law', 's6 thin', (count) =>
        universalSpeedUp(universal.contention, universal.coherence, count),
      ),
  ];
  return guides.filter((one) => one !== null && one !== false);
}

/** The part of a line that lies in the chart. */
function clip(line: Guide['line'], { y: { domain } }: Axes): Guide['line'] {
  return line.filter(isDrawn).filter(({ y }) => y >= domain[0] && y <= domain[1]);
}

/** Null without a point that can be drawn. */
export function drawEfficiency(curve: ScalingCurve): Chart | null {
  const ofOne = curve.points.map(pointOfOne).filter(isShare);
  const ofPeak = curve.points
    .filter((point) => gainOverPeak(point) !== null)
    .map(pointOfPeak)
    .filter(isShare);
  const predicted = curve.predicted
    .map((point) => predictedPoint(point, point.speedUp / point.workers))
    .filter(isShare);
  const points = [...ofOne, ...ofPeak, ...predicted];
  if (points.length === 0) return null;
  const workers = [1, ...points.map(({ x }) => x)];
  const most = largestOf(points.map(({ x }) => x));
  return drawCurveChart({
    curve,
    about: aboutCurve(curve, 'efficiency', {
      heading: 'Efficiency',
      caption: 'Of as many times one worker, and of the multiply-adds alone.',
      description: `Speed-up for each worker, and as a share of what the same number of threads gain with nothing but multiply-adds, for ${curveTitle(curve).toLowerCase()}.`,
    }),
    axes: {
      x: workersAxis(workers, largestOf(workers), xRange),
      y: shareAxis([1, ...points.map(({ y }) => y)], yRange),
    },
    y: { title: 'efficiency', format: formatShare },
    series: [
      { name: 'of one worker', style: styleOf(0), points: ofOne },
      { name: 'of multiply-adds', style: styleOf(2), points: ofPeak },
    ],
    predicted,
    guides: [{ name: 'ideal', className: 'neutral thin dash-2', line: [1, most].map((x) => ({ x, y: 1 })) }],
  });
}

function isShare({ x, y }: Point): boolean {
  return isPositive(x) && Number.isFinite(y);
}

function pointOfOne({ workers, efficiency, speedUp, speedUpInterval: { low, high } }: ScalingPoint): Point {
  return {
    x: workers,
    y: efficiency,
    interval: { low: low / workers, high: high / workers },
    tooltip: `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one, ${formatShare(efficiency)} of ${workers}`,
  };
}

function pointOfPeak({ workers, peakEfficiency, speedUp, peakSpeedUp }: ScalingPoint): Point {
  return {
    x: workers,
    y: peakEfficiency,
    tooltip: `${formatQuantity(workers, 'worker')}: ${formatFigure(speedUp)} times one, ${formatShare(peakEfficiency)} of the ${formatFigure(peakSpeedUp)} times of nothing but multiply-adds`,
  };
}
