// Lines through the points of some series, and what is drawn beneath them.
import { markup, nothing, type Markup } from '../markup.js';
import type { Chart, ChartText } from './chart.js';
import {
  drawLine,
  drawLineSample,
  drawPoint,
  drawSample,
  drawSeriesLine,
  type Point,
  type SeriesStyle,
} from './marks.js';
import { composeChart, drawAxes, type AxisText, type LegendEntry } from './plot.js';

export interface Series {
  readonly name: string;
  readonly style: SeriesStyle;
  readonly points: readonly Point[];
}

/** A line that has no points of its own. */
export interface Guide {
  readonly name: string;
  readonly className: string;
  readonly line: readonly { readonly x: number; readonly y: number }[];
}

export interface LineChart {
  readonly about: ChartText;
  readonly x: AxisText;
  readonly y: AxisText;
  /** Without points they are neither drawn nor named. */
  readonly series: readonly Series[];
  /** Beneath everything else that is on the gridlines. */
  readonly guides?: readonly Guide[];
  /** Behind the gridlines. */
  readonly backdrop?: Markup;
  /** On the guides, beneath the series. */
  readonly beneath?: readonly Markup[];
  /** Of the legend, between the series and the guides. */
  readonly entries?: readonly LegendEntry[];
}

/** Points lie above all lines. */
export function drawLineChart(chart: LineChart): Chart {
  const { about, x, y, guides = [], backdrop = nothing, beneath = [], entries = [] } = chart;
  const axes = { x: x.axis, y: y.axis };
  const series = chart.series.filter(({ points }) => points.length > 0);
  const lines = [
    ...guides.map(({ line, className }) => drawLine(line, axes, className)),
    ...beneath,
    ...series.map(({ points, style }) => drawSeriesLine(points, axes, style)),
  ];
  const marks = series.flatMap(({ name, points, style }) =>
    points.map((point) => drawPoint(name, point, axes, style)),
  );
  return composeChart(about, markup`${backdrop}${drawAxes(x, y)}${lines}${marks}`, [
    ...series.map(({ name, style }) => ({ name, sample: drawSample(style) })),
    ...entries,
    ...guides.map(({ name, className }) => ({ name, sample: drawLineSample(className) })),
  ]);
}
