// Heads against tokens as a map of colours with its numbers: one for each mode, kernel, number of threads and options, where
// two of either were measured.
import { extent, group } from 'd3-array';
import { scaleBand, scaleQuantize } from 'd3-scale';
import type { Cell, MeasuredCell } from '../../grid/results.js';
import { formatFigure, formatTokens } from '../../../page/figures.js';
import { markup, nothing, type Markup } from '../../../page/markup.js';
import { chartWidth, nameOf, type Chart } from '../../../page/charts/chart.js';
import { modeTitles, tokensTitle } from './modes.js';
import { axisHeight, drawBottom, round, type Area } from '../../../page/charts/plot.js';
import { describeCommon } from './series.js';
import { widthOfText, type Label } from '../../../page/charts/text-width.js';
import { heatSteps, inkOnHeat } from '../../../page/charts/theme.js';
import { tooltipOf } from './tooltip.js';

const left = 46;
const top = 34;
const rowHeight = 42;
const keyHeight = 24;

/** All maps that the cells make. */
export function drawHeatMaps(cells: readonly Cell[]): Chart[] {
  const groups = [...group(cells, keyOf).values()].flatMap(splitBySize);
  return groups.filter(isMap).map(drawHeatMap);
}

function keyOf({
  case: { mode, kernel, threads, heads, kvHeads, batch, causal, window, dtype, options },
}: Cell) {
  return [mode, kernel, threads, heads / kvHeads, batch, causal, window, dtype, options].join('|');
}

/** Heads and tokens are one place: where several sizes would share it, each gets a map, and as few of them as can be. */
function splitBySize(cells: readonly Cell[]): Cell[][] {
  const isUnique = (some: readonly Cell[]): boolean => new Set(some.map(placeOf)).size === some.length;
  if (isUnique(cells)) return [[...cells]];
  const byModel = [...group(cells, (cell) => cell.case.modelDim).values()];
  const byHead = [...group(cells, (cell) => cell.case.headDim).values()];
  return byModel.length <= byHead.length ? byModel : byHead;
}

function placeOf({ case: { heads, tokens } }: Cell): string {
  return `${heads}/${tokens}`;
}

function isMap(cells: readonly Cell[]): boolean {
  const measured = cells.filter(hasFigures);
  return countOf(measured, 'heads') >= 2 && countOf(measured, 'tokens') >= 2;
}

// JSON knows no infinity: a figure that isn't finite comes back as null.
function hasFigures(cell: Cell): cell is MeasuredCell {
  return cell.status === 'measured' && [cell.gflopPerSecond, cell.ms.median].every(Number.isFinite);
}

function countOf(cells: readonly Cell[], size: 'heads' | 'tokens'): number {
  return new Set(cells.map((cell) => cell.case[size])).size;
}

function drawHeatMap(cells: readonly Cell[]): Chart {
  const { mode, kernel, threads } = cells[0]!.case;
  const { unit, valueOf } = figureOf(cells.filter(hasFigures));
  const places = placesOf(cells);
  const [low = 0, high = 0] = extent(cells.filter(hasFigures), valueOf);
  const step = scaleQuantize([low, high], [...Array(heatSteps).keys()]);
  const boxes = cells.map((cell) =>
    hasFigures(cell)
      ? drawCell(cell, places.boxOf(cell), { value: valueOf(cell), step: step(valueOf(cell)) })
      : drawMissing(cell, places.boxOf(cell)),
  );
  const common = describeCommon(cells.map((cell) => cell.case));
  const keyTop = places.area.bottom + axisHeight;
  return {
    name: nameOf('heat', mode, kernel, `x${threads}`),
    title: `${modeTitles[mode]}: ${unit} by heads and tokens, ${kernel} x${threads}`,
    heading: `${modeTitles[mode]}: ${unit}`,
    caption: common,
    description: `${unit} of ${common}; rows are heads, columns are ${tokensTitle(mode)}.`,
    width: chartWidth,
    height: keyTop + keyHeight,
    drawing: markup`${drawHeads(places)}${boxes}${drawBottom(places.columns, tokensTitle(mode), places.area)}${drawKey(
      `${formatFigure(low)} to ${formatFigure(high)} ${unit}`,
      keyTop,
    )}`,
  };
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Places {
  readonly area: Area;
  readonly boxOf: (cell: Cell) => Box;
  readonly rows: readonly { readonly heads: number; readonly y: number }[];
  readonly columns: readonly Label[];
}

/** A row for each number of heads, most on top, and a column for each number of tokens. */
function placesOf(cells: readonly Cell[]): Places {
  const heads = [...new Set(cells.map((cell) => cell.case.heads))].sort((a, b) => b - a);
  const tokens = [...new Set(cells.map((cell) => cell.case.tokens))].sort((a, b) => a - b);
  const area: Area = { left, right: chartWidth, top, bottom: top + rowHeight * heads.length };
  const x = scaleBand(tokens, [area.left, area.right]).paddingInner(0.04);
  const y = scaleBand(heads, [area.top, area.bottom]).paddingInner(0.06);
  const [width, height] = [x.bandwidth(), y.bandwidth()];
  const isTight = tokens.some((count) => widthOfText(formatTokens(count)) > width);
  return {
    area,
    boxOf: (cell) => ({ x: x(cell.case.tokens)!, y: y(cell.case.heads)!, width, height }),
    rows: heads.map((count) => ({ heads: count, y: y(count)! + height / 2 })),
    columns: tokens.map((count) => ({ at: x(count)! + width / 2, text: formatTokens(count, isTight) })),
  };
}

function drawHeads({ rows }: Places): Markup {
  const labels = rows.map(
    ({ heads, y }) =>
      markup`<text x="${left - 10}" y="${round(y)}" dy=".35em" text-anchor="end">${heads}</text>`,
  );
  return markup`<text class="axis-title" x="0" y="14">heads</text>${labels}`;
}

/** What is bound by memory is told in bytes, everything else in operations. */
function figureOf(cells: readonly MeasuredCell[]): {
  readonly unit: string;
  readonly valueOf: (cell: MeasuredCell) => number;
} {
  return cells.every(({ gigabytesPerSecond }) => gigabytesPerSecond !== null)
    ? { unit: 'GB/s', valueOf: (cell) => cell.gigabytesPerSecond! }
    : { unit: 'GFLOP/s', valueOf: (cell) => cell.gflopPerSecond };
}

function drawCell(cell: MeasuredCell, box: Box, { value, step }: { value: number; step: number }): Markup {
  const { heads, tokens } = cell.case;
  const star = cell.isNoisy ? ' *' : '';
  const figures = [formatFigure(value), value.toFixed(0)].map((figure) => figure + star);
  const figure = figures.find((text) => widthOfText(text) <= box.width);
  const label = figure === undefined ? nothing : drawInBox(figure, box, inkOnHeat(step));
  return markup`<g class="mark" data-series="${heads}" data-x="${tokens}" data-y="${value}"><title>${tooltipOf(cell)}</title>
<rect class="h${step}" ${sidesOf(box)}/>${label}</g>`;
}

function drawInBox(text: string, { x, y, width, height }: Box, className: string): Markup {
  return markup`<text class="${className}" x="${round(x + width / 2)}" y="${round(y + height / 2)}" dy=".35em" text-anchor="middle">${text}</text>`;
}

function drawMissing(cell: Cell, box: Box): Markup {
  const reason = cell.status === 'unavailable' ? cell.reason : 'no figure';
  return markup`<g class="unavailable"><title>${reason}</title><rect class="missing" ${sidesOf(box)}/>${drawInBox('n/a', box, 'absent')}</g>`;
}

function sidesOf({ x, y, width, height }: Box): Markup {
  return markup`x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="3"`;
}

/** The colours from the lowest to the highest. */
function drawKey(text: string, y: number): Markup {
  const width = 22;
  const steps = [...Array(heatSteps).keys()].map(
    (step) =>
      markup`<rect class="h${step}" x="${left + step * width}" y="${y}" width="${width}" height="12"/>`,
  );
  return markup`<g class="legend">${steps}<text x="${left + heatSteps * width + 10}" y="${y + 6}" dy=".35em">${text}</text></g>`;
}
