// The charts of a scaling curve over workers have in common: what they are called, predicted points, and the part beyond
// the machine.
import { largestOf, leastOf } from '../../../core/lists.js';
import type { PredictedPoint, ScalingAxis, ScalingCurve } from '../../scaling/results.js';
import { nameOf, type Chart, type ChartText } from '../../../page/charts/chart.js';
import { drawLineChart, type Guide, type Series } from '../../../page/charts/line-chart.js';
import {
  drawHollowSample,
  drawLine,
  drawPoint,
  type Axes,
  type Point,
  type SeriesStyle,
} from '../../../page/charts/marks.js';
import { area, round, type AxisText } from '../../../page/charts/plot.js';
import { formatFigure, formatQuantity, formatTick } from '../../../page/figures.js';
import { markup, when, type Markup } from '../../../page/markup.js';

const axisNames: Readonly<Record<ScalingAxis, string>> = {
  heads: 'heads',
  sequences: 'sequences',
  queries: 'blocks of queries',
};

/** 'Strong scaling by heads' */
export function curveTitle({ kind, axis }: ScalingCurve): string {
  return `${kind === 'strong' ? 'Strong' : 'Weak'} scaling by ${axisNames[axis]}`;
}

/** What a chart of the curve says, with the name of its file. */
export function aboutCurve(
  curve: ScalingCurve,
  name: string,
  text: Pick<ChartText, 'heading' | 'caption' | 'description'>,
): ChartText {
  return {
    name: nameOf(name, curve.kind, curve.axis),
    title: `${curveTitle(curve)}: ${text.heading.toLowerCase()}`,
    ...text,
  };
}

export interface CurveChart {
  readonly curve: ScalingCurve;
  readonly about: ChartText;
  readonly axes: Axes;
  readonly y: Omit<AxisText, 'axis'>;
  readonly series: readonly Series[];
  readonly predicted: readonly Point[];
  readonly guides: readonly Guide[];
}

export function drawCurveChart({ curve, about, axes, y, series, predicted, guides }: CurveChart): Chart {
  return drawLineChart({
    about,
    x: { axis: axes.x, title: 'workers', format: formatTick },
    y: { axis: axes.y, ...y },
    series,
    guides,
    backdrop: drawBeyond(edgeOf(curve), axes),
    beneath: drawPredicted(predicted, axes),
    entries: predicted.length === 0 ? [] : [{ name: 'predicted', sample: drawHollowSample('s1', true) }],
  });
}

/** A point of the simulation whose figure on the y axis is `y`. */
export function predictedPoint({ workers, ms, speedUp, isBeyondMachine }: PredictedPoint, y: number): Point {
  return {
    x: workers,
    y,
    isHollow: true,
    tooltip: [
      `${formatQuantity(workers, 'worker')}, predicted: ${formatFigure(speedUp)} times one`,
      `${formatFigure(ms)} ms`,
      ...(isBeyondMachine ? ['more workers than this machine has processors'] : []),
    ].join('\n'),
  };
}

/** A ring around what was measured for as many workers. */
const predictedStyle: SeriesStyle = { colour: 1, shape: 0, size: 88 };

/** Hollow points on a dashed line. */
function drawPredicted(points: readonly Point[], axes: Axes): Markup[] {
  if (points.length === 0) return [];
  const marks = points.map((point) => drawPoint('predicted', point, axes, predictedStyle));
  return [drawLine(points, axes, 's1 thin dash-1'), ...marks];
}

/** Where this machine ends: between the last workers it could run and the first it couldn't; null where it doesn't. */
function edgeOf({ points, predicted }: ScalingCurve): number | null {
  const beyond = predicted.filter(({ isBeyondMachine }) => isBeyondMachine).map(({ workers }) => workers);
  const within = [...points, ...predicted.filter(({ isBeyondMachine }) => !isBeyondMachine)];
  if (beyond.length === 0) return null;
  const first = leastOf(beyond);
  const last = largestOf(
    within.map(({ workers }) => workers).filter((workers) => workers < first),
    1,
  );
  return Math.sqrt(first * last);
}

const beyondText = 'only predicted';

/** Shades what lies beyond the machine; what it says stands above, where no line passes. */
function drawBeyond(edge: number | null, { x }: Axes): Markup {
  return when(edge !== null, () => {
    const from = round(Math.max(area.left, x.at(edge!)));
    return markup`<rect class="band" x="${from}" y="${area.top}" width="${round(area.right - from)}" height="${area.bottom - area.top}"/>
<text x="${area.right}" y="${area.top - 7}" text-anchor="end">${beyondText}</text>`;
  });
}
