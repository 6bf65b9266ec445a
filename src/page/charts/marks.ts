// Points with their intervals, lines through them, and what tells one series from another: colour, shape and dash.
import {
  line,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolTriangle,
  symbolWye,
  type SymbolType,
} from 'd3-shape';
import { markup, nothing, when, type Markup } from '../markup.js';
import { round, sampleWidth } from './plot.js';
import type { Axis } from './scales.js';
import { seriesColours } from './theme.js';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Where y lies with 95 % confidence. */
  readonly interval?: { readonly low: number; readonly high: number };
  /** Exact figures, for the tooltip. */
  readonly tooltip: string;
  /** Predicted or noisy: not to be taken for a plain measurement. */
  readonly isHollow?: boolean;
}

export interface Axes {
  readonly x: Axis;
  readonly y: Axis;
}

/** A style for each series of a chart, of which there are no more than colours. */
export interface SeriesStyle {
  readonly colour: number;
  readonly shape: number;
  /** Of the symbol, in square units. */
  readonly size?: number;
}

const shapes: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolWye,
];
const dotSize = 46;
const hitRadius = 9;
const capWidth = 3.5;

export function styleOf(index: number): SeriesStyle {
  return { colour: index, shape: index };
}

export function classOf({ colour }: Pick<SeriesStyle, 'colour'>): string {
  return `s${colour % seriesColours.light.length}`;
}

/** A point of a series; its figures are in data-series, data-x and data-y. */
export function drawPoint(series: string, point: Point, axes: Axes, style: SeriesStyle): Markup {
  const { x, y, tooltip, isHollow } = point;
  const place = `${round(axes.x.at(x))},${round(axes.y.at(y))}`;
  return markup`<g class="mark ${classOf(style)}" data-series="${series}" data-x="${x}" data-y="${y}"><title>${tooltip}</title>
${drawWhisker(point, axes)}<g transform="translate(${place})"><circle class="hit" r="${hitRadius}"/>${drawDot(style, isHollow)}</g></g>`;
}

/** From one end of the interval to the other, as far as the axis goes: an end on it has a cap, one beyond it an arrow. */
function drawWhisker({ x, interval }: Point, axes: Axes): Markup {
  if (interval === undefined) return nothing;
  const [least, most] = axes.y.domain;
  const low = Math.max(interval.low, least);
  const high = Math.min(interval.high, most);
  if (!(low < high)) return nothing;
  const [at, bottom, top] = [round(axes.x.at(x)), round(axes.y.at(low)), round(axes.y.at(high))];
  const ends = [
    drawEnd(at, bottom, interval.low < low ? -1 : 0),
    drawEnd(at, top, interval.high > high ? 1 : 0),
  ];
  return markup`<path class="whisker" d="M${at},${bottom}V${top}${ends.join('')}"/>`;
}

/** @param beyond 1 and -1: it goes on upwards, downwards */
function drawEnd(at: number, y: number, beyond: -1 | 0 | 1): string {
  const drop = 4 * beyond;
  return `M${round(at - capWidth)},${round(y + drop)}L${at},${y}L${round(at + capWidth)},${round(y + drop)}`;
}

function drawDot({ shape, size = dotSize }: SeriesStyle, isHollow = false): Markup {
  const outline = symbol(shapes[shape % shapes.length], size)() ?? '';
  return markup`<path class="dot${isHollow ? ' hollow' : ''}" d="${shorten(outline)}"/>`;
}

/** A line through points, in their order. */
export function drawLine(
  points: readonly { readonly x: number; readonly y: number }[],
  { x, y }: Axes,
  className: string,
): Markup {
  const draw = line<{ readonly x: number; readonly y: number }>()
    .x((point) => round(x.at(point.x)))
    .y((point) => round(y.at(point.y)));
  return markup`<path class="line ${className}" d="${draw(points) ?? ''}"/>`;
}

export function drawSeriesLine(points: readonly Point[], axes: Axes, style: SeriesStyle): Markup {
  return drawLine(points, axes, classOf(style));
}

/** What a legend shows of a series. */
export function drawSample(style: SeriesStyle): Markup {
  return markup`<g class="${classOf(style)}">${sampleLine('')}${drawDot(style)}</g>`;
}

/** A hollow point, on a dashed line or alone. */
export function drawHollowSample(className: string, hasLine: boolean): Markup {
  const stroke = when(hasLine, () => sampleLine('thin dash-1'));
  return markup`<g class="${className}">${stroke}${drawDot(styleOf(0), true)}</g>`;
}

export function drawDotSample(className: string, shape: number, isHollow = false): Markup {
  return markup`<g class="${className}">${drawDot({ colour: 0, shape }, isHollow)}</g>`;
}

export function drawLineSample(className: string): Markup {
  return sampleLine(className);
}

function sampleLine(className: string): Markup {
  return markup`<path class="line ${className}" d="M${-sampleWidth / 2},0H${sampleWidth / 2}"/>`;
}

// d3 writes all digits of its outlines.
function shorten(path: string): string {
  return path.replace(/-?\d+\.\d+/g, (digits) => String(round(Number(digits))));
}
