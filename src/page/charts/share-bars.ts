// A bar for each number, all of the same height, cut into the shares of its parts.
import { scaleBand } from 'd3-scale';
import { stack } from 'd3-shape';
import { formatShare } from '../figures.js';
import { markup, type Markup } from '../markup.js';
import type { Chart, ChartText } from './chart.js';
import { area, composeChart, drawBottom, drawLabels, drawRows, round, xRange } from './plot.js';
import { linearAxis } from './scales.js';

export interface Bar {
  /** Below it. */
  readonly x: number;
  /** Above it. */
  readonly label: string;
  readonly total: number;
  /** By the names of the parts; what is missing is 0. */
  readonly parts: ReadonlyMap<string, number>;
}

export interface ShareBars {
  readonly about: ChartText;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly bars: readonly Bar[];
  /** From the bottom up, with the class of what is drawn. */
  readonly parts: readonly { readonly name: string; readonly className: string }[];
  readonly tooltipOf: (bar: Bar, name: string, share: number) => string;
}

// Below the axis title and the labels above the bars.
const top = area.top + 14;

export function drawShareBars({ about, xTitle, yTitle, bars, parts, tooltipOf }: ShareBars): Chart {
  const y = linearAxis([1], [area.bottom, top]);
  const values = bars.map((bar) => bar.x);
  const x = scaleBand(values, xRange).paddingInner(0.3).paddingOuter(0.15);
  const width = x.bandwidth();
  const layers = stack<Bar, string>()
    .keys(parts.map(({ name }) => name))
    .value((bar, name) => (bar.parts.get(name) ?? 0) / bar.total)(bars);
  const segments = layers.flatMap((layer, index) =>
    layer.map(({ 0: from, 1: to, data: bar }): Markup => {
      const { name, className } = parts[index]!;
      const [start, end] = [y.at(from), y.at(to)];
      return markup`<g class="mark" data-series="${name}" data-x="${bar.x}" data-y="${bar.parts.get(name) ?? 0}"><title>${tooltipOf(bar, name, to - from)}</title>
<rect class="bar ${className}" x="${round(x(bar.x)!)}" y="${round(end)}" width="${round(width)}" height="${round(start - end)}"/></g>`;
    }),
  );
  const labelsOf = (textOf: (bar: Bar) => string) =>
    bars.map((bar) => ({ at: x(bar.x)! + width / 2, text: textOf(bar) }));
  const above = drawLabels(
    labelsOf(({ label }) => label),
    top - 8,
  );
  const below = drawBottom(
    labelsOf((bar) => String(bar.x)),
    xTitle,
  );
  const frame = drawRows({ axis: y, title: yTitle, format: formatShare });
  const entries = parts.map(({ name, className }) => ({ name, sample: drawSwatch(className) }));
  return composeChart(about, markup`${frame}${segments}${above}${below}`, entries);
}

function drawSwatch(className: string): Markup {
  return markup`<rect class="bar ${className}" x="-7" y="-7" width="14" height="14" rx="2"/>`;
}
