// Where the time of a call goes: a bar for each number of workers, of its phases, waiting and dispatch.
import type { ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import type { Chart } from '../../../page/charts/chart.js';
import { drawShareBars, type Bar } from '../../../page/charts/share-bars.js';
import { seriesColours } from '../../../page/charts/theme.js';
import { formatFigure, formatQuantity, formatShare } from '../../../page/figures.js';
import { aboutCurve, curveTitle } from './curves.js';

/** Null without points. */
export function drawTimeParts(curve: ScalingCurve): Chart | null {
  const bars = curve.points.map(barOf).filter(({ total }) => Number.isFinite(total) && total > 0);
  if (bars.length === 0) return null;
  const phases = [...new Set(curve.points.flatMap(({ phaseMs }) => Object.keys(phaseMs)))];
  return drawShareBars({
    about: aboutCurve(curve, 'time', {
      heading: 'Where the time goes',
      caption: "Shares of a call's mean time; above each bar the median of the table in milliseconds.",
      description: `Shares of a call's mean time by number of workers, with its median in milliseconds above each bar, for ${curveTitle(curve).toLowerCase()}.`,
    }),
    xTitle: 'workers',
    yTitle: "share of a call's time",
    bars,
    parts: [
      ...phases.map((name, index) => ({ name, className: `s${index % (seriesColours.light.length - 1)}` })),
      // Not a phase: no worker has a unit.
      { name: 'waiting', className: 'idle' },
      { name: 'dispatch', className: 'neutral' },
    ],
    tooltipOf: ({ x, parts }, name, share) =>
      `${name}: ${formatFigure(parts.get(name) ?? 0)} ms on average, ${formatShare(share)} of a call of ${formatQuantity(x, 'worker')}`,
  });
}

/**
 * The parts of a call on average over its workers: each phase lasts as long as its slowest worker, so the share in which
 * workers have nothing to do is taken off all phases alike.
 */
function barOf({ workers, ms: { median }, phaseMs, dispatchMs, waitShare }: ScalingPoint): Bar {
  const busy = Object.entries(phaseMs).map(([phase, ms]): [string, number] => [phase, ms * (1 - waitShare)]);
  const waitMs = Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0) * waitShare;
  const parts = new Map([...busy, ['waiting', waitMs], ['dispatch', dispatchMs]]);
  const total = [...parts.values()].reduce((sum, ms) => sum + ms, 0);
  return { x: workers, label: formatFigure(median), total, parts };
}
