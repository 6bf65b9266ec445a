// The frame of a chart: gridlines, axes with their ticks and titles, and the legend below.
import { max } from 'd3-array';
import { markup, type Markup } from '../markup.js';
import { chartWidth, type Chart, type ChartText } from './chart.js';
import type { Axis } from './scales.js';
import { textSize, widthOfText, withoutCollisions, type Label } from './text-width.js';

export interface AxisText {
  readonly axis: Axis;
  readonly title: string;
  readonly format: (value: number) => string;
}

/** Where the data are drawn. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export const area: Area = { left: 66, right: chartWidth - 12, top: 34, bottom: 304 };

/** What stands below the area: tick labels and the title of the x axis. */
export const axisHeight = 56;

export const xRange = [area.left, area.right] as const;
export const yRange = [area.bottom, area.top] as const;

/** Coordinates to a hundredth: more is no sharper, only longer. */
export function round(coordinate: number): number {
  return Math.round(coordinate * 100) / 100;
}

export function drawAxes(x: AxisText, y: AxisText): Markup {
  const lines = x.axis.ticks.map((tick) => `M${round(x.axis.at(tick))},${area.top}V${area.bottom}`);
  const labels = x.axis.ticks.map((tick) => ({ at: x.axis.at(tick), text: x.format(tick) }));
  return markup`<path class="grid" d="${lines.join('')}"/>${drawRows(y)}${drawBottom(labels, x.title)}`;
}

/** The horizontal gridlines and what they mean. */
export function drawRows({ axis, title, format }: AxisText): Markup {
  const { left, right } = area;
  const lines = axis.ticks.map((tick) => `M${left},${round(axis.at(tick))}H${right}`);
  const labels = axis.ticks.map(
    (tick) =>
      markup`<text x="${left - 8}" y="${round(axis.at(tick))}" dy=".35em" text-anchor="end">${format(tick)}</text>`,
  );
  return markup`<path class="grid" d="${lines.join('')}"/>${labels}<text class="axis-title" x="0" y="14">${title}</text>`;
}

/** The x axis: its line, as many labels as there is room for, and its title. */
export function drawBottom(
  labels: readonly Label[],
  title: string,
  { left, right, bottom }: Area = area,
): Markup {
  return markup`<path class="axis" d="M${left},${bottom}H${right}"/>
${drawLabels(labels, bottom + 20)}<text class="axis-title" x="${right}" y="${bottom + 44}" text-anchor="end">${title}</text>`;
}

/** Centred labels, but for those that would touch the one before; none leaves the chart. */
export function drawLabels(labels: readonly Label[], y: number): Markup[] {
  return withoutCollisions(labels).map(({ at, text }) => {
    const x = Math.min(at, chartWidth - widthOfText(text) / 2);
    return markup`<text x="${round(x)}" y="${y}" text-anchor="middle">${text}</text>`;
  });
}

export interface LegendEntry {
  readonly name: string;
  /** Drawn around the origin, at most `sampleWidth` wide. */
  readonly sample: Markup;
}

/** Of a legend's samples: enough to tell a dashed line from a solid one. */
export const sampleWidth = 40;

const lineHeight = textSize + 8;
const beforeName = sampleWidth + 8;

/** Entries in as many columns as fit, and how high they are together. */
export function drawLegend(
  entries: readonly LegendEntry[],
  top: number,
): { readonly drawing: Markup; readonly height: number } {
  const widest = max(entries, ({ name }) => beforeName + widthOfText(name) + 8) ?? 1;
  const columns = Math.max(1, Math.min(entries.length, Math.floor(chartWidth / widest)));
  const columnWidth = chartWidth / columns;
  const items = entries.map(({ name, sample }, index) => {
    const x = round((index % columns) * columnWidth);
    const y = top + lineHeight * Math.floor(index / columns) + lineHeight / 2;
    return markup`<g transform="translate(${x},${y})"><g transform="translate(${sampleWidth / 2},0)">${sample}</g><text x="${beforeName}" dy=".35em">${name}</text></g>`;
  });
  const height = lineHeight * Math.ceil(entries.length / columns);
  return { drawing: markup`<g class="legend">${items}</g>`, height };
}

/** The chart of what is drawn in `area`, with its legend below. */
export function composeChart(about: ChartText, drawing: Markup, entries: readonly LegendEntry[]): Chart {
  const top = area.bottom + axisHeight;
  const legend = drawLegend(entries, top);
  return {
    ...about,
    width: chartWidth,
    height: top + legend.height,
    drawing: markup`${drawing}${legend.drawing}`,
  };
}
