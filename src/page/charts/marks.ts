// Points with their intervals, lines through them, and what tells one series from another: colour, shape and dash.
import {
  line,
  symbol,
  symbolCircle,
  symbolDiamond,
  symbolSquare,
  symbolTriangle,
  symbolTriangle2,
  symbolWye,
  type SymbolType,
} from 'd3-shape';
import { markup, when, type Markup } from '../markup.js';
import { round } from './plot.js';
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

/** A style for each series: colours repeat after eight with other dashes, shapes on their own. */
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
  symbolTriangle2,
  symbolWye,
];
const dotSize = 46;
const hitRadius = 9;
const capWidth = 3.5;
const dashes = 4;

export function styleOf(index: number): SeriesStyle {
  return { colour: index, shape: index };
}

export function classOf({ colour }: Pick<SeriesStyle, 'colour'>): string {
  return `s${colour % seriesColours.light.length}`;
}

function dashOf({ colour }: SeriesStyle): string {
  const dash = Math.floor(colour / seriesColours.light.length) % dashes;
  return dash === 0 ? '' : ` dash-${dash}`;
}

/** A point of a series; its figures are in data-series, data-x and data-y. */
export function drawPoint(series: string, point: Point, axes: Axes, style: SeriesStyle): Markup {
  const { x, y, tooltip, isHollow } = point;
  const place = `${round(axes.x.at(x))},${round(axes.y.at(y))}`;
  return markup`<g class="mark ${classOf(style)}" data-series="${series}" data-x="${x}" data-y="${y}"><title>${tooltip}</title>
${drawWhisker(point, axes)}<g transform="translate(${place})"><circle class="hit" r="${hitRadius}"/>${drawDot(style, isHollow)}</g></g>`;
}

function drawWhisker({ x, interval }: Point, axes: Axes): Markup {
  return when(interval !== undefined && isInside(interval, axes.y), () => {
    const [at, low, high] = [axes.x.at(x), axes.y.at(interval!.low), axes.y.at(interval!.high)].map(round);
    const cap = (y: number): string => `M${round(at! - capWidth)},${y}h${2 * capWidth}`;
    return markup`<path class="whisker" d="M${at!},${low!}V${high!}${cap(low!)}${cap(high!)}"/>`;
  });
}

// An interval that reaches beyond the axis, to 0 of a logarithm say, has no end that could be drawn.
function isInside({ low, high }: { low: number; high: number }, { domain }: Axis): boolean {
  return low >= domain[0] && high <= domain[1];
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
  return drawLine(points, axes, `${classOf(style)}${dashOf(style)}`);
}

/** What a legend shows of a series. */
export function drawSample(style: SeriesStyle): Markup {
  return markup`<g class="${classOf(style)}"><path class="line${dashOf(style)}" d="M-11,0H11"/>${drawDot(style)}</g>`;
}

/** A hollow point, on a dashed line or alone. */
export function drawHollowSample(className: string, hasLine: boolean): Markup {
  const stroke = when(hasLine, () => markup`<path class="line dash-1" d="M-11,0H11"/>`);
  return markup`<g class="${className}">${stroke}${drawDot(styleOf(0), true)}</g>`;
}

export function drawDotSample(className: string, shape: number): Markup {
  return markup`<g class="${className}">${drawDot({ colour: 0, shape })}</g>`;
}

export function drawLineSample(className: string): Markup {
  return markup`<path class="line ${className}" d="M-11,0H11"/>`;
}

// d3 writes all digits of its outlines.
function shorten(path: string): string {
  return path.replace(/-?\d+\.\d+/g, (digits) => String(round(Number(digits))));
}
