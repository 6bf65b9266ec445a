// What the charts of a scaling curve share: its name, its predicted points and the part beyond the machine.
import type { PredictedPoint, ScalingAxis, ScalingCurve } from '../../scaling/results.js';
import { formatFigure, formatQuantity } from '../../../page/figures.js';
import { markup, when, type Markup } from '../../../page/markup.js';
import { drawLine, drawPoint, type Axes, type Point, type SeriesStyle } from '../../../page/charts/marks.js';
import { area, round } from '../../../page/charts/plot.js';
import { widthOfText } from '../../../page/charts/text-width.js';

const axisNames: Readonly<Record<ScalingAxis, string>> = {
  heads: 'heads',
  sequences: 'sequences',
  queries: 'blocks of queries',
};

/** 'Strong scaling by heads' */
export function curveTitle({ kind, axis }: ScalingCurve): string {
  return `${kind === 'strong' ? 'Strong' : 'Weak'} scaling by ${axisNames[axis]}`;
}

/** A ring around what was measured for as many workers. */
const predictedStyle: SeriesStyle = { colour: 1, shape: 0, size: 88 };

/** A point of the simulation whose figure on the y axis is `y`. */
export function predictedPoint({ workers, ms, speedUp, isBeyondMachine }: PredictedPoint, y: number): Point {
  return {
    ...{ x: workers, y },
    isHollow: true,
    tooltip: [
      `${formatQuantity(workers, 'worker')}, predicted: ${formatFigure(speedUp)} times one`,
      `${formatFigure(ms)} ms`,
      ...(isBeyondMachine ? ['more workers than this machine has processors'] : []),
    ].join('\n'),
  };
}

/** Hollow points on a dashed line. */
export function drawPredicted(points: readonly Point[], axes: Axes): Markup[] {
  const marks = points.map((point) => drawPoint('predicted', point, axes, predictedStyle));
  return [drawLine(points, axes, 's1 thin dash-1'), ...marks];
}

/** Where this machine ends: between the last workers it could run and the first it couldn't; null where it doesn't. */
export function edgeOf({ points, predicted }: ScalingCurve): number | null {
  const beyond = predicted.filter(({ isBeyondMachine }) => isBeyondMachine).map(({ workers }) => workers);
  const within = [...points, ...predicted.filter(({ isBeyondMachine }) => !isBeyondMachine)];
  if (beyond.length === 0) return null;
  const first = Math.min(...beyond);
  const last = Math.max(1, ...within.map(({ workers }) => workers).filter((workers) => workers < first));
  return Math.sqrt(first * last);
}

const beyondText = 'only predicted';

/** Shades what lies beyond the machine. */
export function drawBeyond(edge: number | null, { x }: Axes): Markup {
  return when(edge !== null, () => {
    const from = round(Math.max(area.left, x.at(edge!)));
    const hasRoom = area.right - from > widthOfText(beyondText) + 16;
    return markup`<rect class="band" x="${from}" y="${area.top}" width="${round(area.right - from)}" height="${area.bottom - area.top}"/>${when(
      hasRoom,
      () =>
        markup`<text x="${area.right - 8}" y="${area.bottom - 12}" text-anchor="end">${beyondText}</text>`,
    )}`;
  });
}
