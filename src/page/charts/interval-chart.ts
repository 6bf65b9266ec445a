// A row for each name: a figure and the interval that it lies in, below each other on one axis.
import { markup, type Markup } from '../markup.js';
import { chartWidth, type Chart, type ChartText } from './chart.js';
import { classOf, drawDotSample, drawPoint, type Axes, type Point, type SeriesStyle } from './marks.js';
import { axisHeight, drawBottom, drawLegend, round, type Area } from './plot.js';
import type { Axis } from './scales.js';
import { shortenText } from './text-width.js';

export interface IntervalRow {
  readonly name: string;
  /** Which of the groups it belongs to. */
  readonly group: string;
  readonly value: number;
  readonly interval?: NonNullable<Point['interval']>;
  readonly tooltip: string;
  readonly isHollow?: boolean;
}

export interface IntervalChart {
  readonly about: ChartText;
  readonly x: { readonly axis: Axis; readonly title: string; readonly format: (value: number) => string };
  /** What figures are held against. */
  readonly reference: number;
  /** From the top down. */
  readonly rows: readonly IntervalRow[];
  readonly styles: ReadonlyMap<string, SeriesStyle>;
}

const left = 12;
export const intervalRange = [left, chartWidth - 12] as const;

const top = 8;
const rowHeight = 40;
// Within a row its name stands above its point.
const nameHeight = 14;
const pointHeight = 27;

export function drawIntervalChart({ about, x, reference, rows, styles }: IntervalChart): Chart {
  const area: Area = { left, right: intervalRange[1], top, bottom: top + rowHeight * rows.length };
  const ticks = x.axis.ticks.map((tick) => ({ at: x.axis.at(tick), text: x.format(tick) }));
  const lines = ticks.map(({ at }) => `M${round(at)},${area.top}V${area.bottom}`).join('');
  const middle = round(x.axis.at(reference));
  const drawn = rows.map((row, index) =>
    drawRow(row, top + rowHeight * index, x.axis, styles.get(row.group)!),
  );
  const groups = [...styles].filter(([group]) => rows.some((row) => row.group === group));
  const entries = groups.map(([name, style]) => ({
    name,
    sample: layDown(drawDotSample(classOf(style), style.shape, isHollow(rows, name))),
  }));
  const legend = drawLegend(entries, area.bottom + axisHeight);
  return {
    ...about,
    width: chartWidth,
    height: area.bottom + axisHeight + legend.height,
    drawing: markup`<path class="grid" d="${lines}"/>${drawBottom(ticks, x.title, area)}<path class="axis" d="M${middle},${area.top}V${area.bottom}"/>${drawn}${legend.drawing}`,
  };
}

function isHollow(rows: readonly IntervalRow[], group: string): boolean {
  return rows.every((row) => row.group !== group || row.isHollow === true);
}

/** The point of a chart that stands upright, turned to lie on its row. */
function drawRow(row: IntervalRow, y: number, axis: Axis, style: SeriesStyle): Markup {
  const { name, value, ...rest } = row;
  const upright: Axes = {
    x: { at: () => 0, ticks: [], domain: [0, 0] },
    y: { ...axis, at: (figure) => -axis.at(figure) },
  };
  const point = drawPoint(name, { x: value, y: value, ...rest }, upright, style);
  return markup`<text class="name" x="${left}" y="${y + nameHeight}">${shortenText(name, chartWidth - left)}</text><g transform="translate(0,${y + pointHeight})">${layDown(point)}</g>`;
}

function layDown(drawing: Markup): Markup {
  return markup`<g transform="rotate(90)">${drawing}</g>`;
}
