// Where the time of a call goes: a bar for each number of workers, of its phases, dispatch and waiting.
import { scaleBand } from 'd3-scale';
import { stack, type SeriesPoint } from 'd3-shape';
import type { ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import { formatFigure, formatQuantity, formatShare } from '../../../page/figures.js';
import { markup, type Markup } from '../../../page/markup.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import { curveTitle } from './curves.js';
import {
  area,
  composeChart,
  drawBottom,
  drawLabels,
  drawRows,
  round,
  xRange,
} from '../../../page/charts/plot.js';
import { linearAxis, type Axis } from '../../../page/charts/scales.js';
import { seriesColours } from '../../../page/charts/theme.js';

interface Parts {
  readonly workers: number;
  readonly totalMs: number;
  /** Milliseconds by name of the part. */
  readonly ms: ReadonlyMap<string, number>;
}

// Below the axis title and the numbers above the bars.
const top = area.top + 14;

/** Not a phase: no worker has a unit. */
const waiting = 'waiting';
const dispatch = 'dispatch';

/**
 * The parts of a call on average over its workers: each phase lasts as long as its slowest worker, so the share in which
 * workers have nothing to do is taken off all phases alike.
 */
export function partsOf({ workers, phaseMs, dispatchMs, waitShare }: ScalingPoint): Parts {
  const busy = Object.entries(phaseMs).map(([phase, ms]): [string, number] => [phase, ms * (1 - waitShare)]);
  const waitMs = Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0) * waitShare;
  const ms = new Map([...busy, [waiting, waitMs], [dispatch, dispatchMs]]);
  return { workers, totalMs: [...ms.values()].reduce((sum, part) => sum + part, 0), ms };
}

/** Null without points. */
export function drawTimeParts(curve: ScalingCurve): Chart | null {
  const bars = curve.points.map(partsOf).filter(({ totalMs }) => Number.isFinite(totalMs) && totalMs > 0);
  if (bars.length === 0) return null;
  const phases = [...new Set(curve.points.flatMap(({ phaseMs }) => Object.keys(phaseMs)))];
  const y = linearAxis([1], [area.bottom, top]);
  const workers = bars.map((bar) => bar.workers);
  const x = scaleBand(workers, xRange).paddingInner(0.3).paddingOuter(0.15);
  const layers = stack<Parts, string>()
    .keys([...phases, waiting, dispatch])
    .value(({ ms, totalMs }, name) => (ms.get(name) ?? 0) / totalMs)(bars);
  const segments = layers.flatMap((layer) =>
    layer.map((share) => {
      const box = { left: x(share.data.workers)!, width: x.bandwidth(), y };
      return drawSegment({ ...box, name: layer.key, className: classOf(layer.key, phases), share });
    }),
  );
  const centre = (bar: Parts): number => x(bar.workers)! + x.bandwidth() / 2;
  const totals = bars.map((bar) => ({ at: centre(bar), text: formatFigure(bar.totalMs) }));
  const labels = bars.map((bar) => ({ at: centre(bar), text: String(bar.workers) }));
  const frame = drawRows({ axis: y, title: "share of a call's time", format: formatShare });
  return composeChart(
    aboutOf(curve),
    markup`${frame}${segments}${drawLabels(totals, top - 8)}${drawBottom(labels, 'workers')}`,
    layers.map(({ key }) => ({ name: key, sample: drawSwatch(classOf(key, phases)) })),
  );
}

function aboutOf(curve: ScalingCurve): Pick<Chart, 'name' | 'title' | 'heading' | 'caption' | 'description'> {
  const title = curveTitle(curve);
  return {
    name: nameOf('time', curve.kind, curve.axis),
    title: `${title}: where the time goes`,
    heading: 'Where the time goes',
    caption: "Shares of a call's time, with its milliseconds above each bar.",
    description: `Shares of a call's time by number of workers, with its milliseconds above each bar, for ${title.toLowerCase()}.`,
  };
}

function drawSwatch(className: string): Markup {
  return markup`<rect class="bar ${className}" x="-7" y="-7" width="14" height="14" rx="2"/>`;
}

interface Segment {
  readonly name: string;
  readonly className: string;
  /** From and to, of the whole bar. */
  readonly share: SeriesPoint<Parts>;
  readonly left: number;
  readonly width: number;
  readonly y: Axis;
}

function drawSegment({ name, className, share, left, width, y }: Segment): Markup {
  const [from, to] = share;
  const { workers, ms: parts } = share.data;
  const ms = parts.get(name) ?? 0;
  const [start, end] = [y.at(from), y.at(to)];
  const tooltip = `${name}: ${formatFigure(ms)} ms, ${formatShare(to - from)} of a call of ${formatQuantity(workers, 'worker')}`;
  return markup`<g class="mark" data-series="${name}" data-x="${workers}" data-y="${ms}"><title>${tooltip}</title>
<rect class="bar ${className}" x="${round(left)}" y="${round(end)}" width="${round(width)}" height="${round(start - end)}"/></g>`;
}

function classOf(name: string, phases: readonly string[]): string {
  if (name === waiting) return 'idle';
  if (name === dispatch) return 'neutral';
  return `s${phases.indexOf(name) % (seriesColours.light.length - 1)}`;
}
