// A map of colours with its numbers: rows against columns, each place with a figure or a sign that there is none.
import { extent } from 'd3-array';
import { scaleBand, scaleQuantize } from 'd3-scale';
import { formatFigure } from '../figures.js';
import { markup, nothing, type Markup } from '../markup.js';
import { chartWidth, type Chart, type ChartText } from './chart.js';
import { axisHeight, drawBottom, round, type Area } from './plot.js';
import { widthOfText } from './text-width.js';
import { heatSteps, inkOnHeat } from './theme.js';

export interface HeatCell {
  readonly row: number;
  readonly column: number;
  /** Null: there is none, for the reason that the tooltip says. */
  readonly value: number | null;
  readonly tooltip: string;
  /** Marked with a star, which `unsure` explains. */
  readonly isUnsure?: boolean;
}

interface HeatAxis {
  readonly title: string;
  /** Default: as it is; `isTight` where there is little room. */
  readonly format?: (value: number, isTight: boolean) => string;
}

export interface HeatMap {
  readonly about: ChartText;
  /** Least at the bottom. */
  readonly rows: HeatAxis;
  /** Least on the left. */
  readonly columns: HeatAxis;
  /** Each in a place of its own. */
  readonly cells: readonly HeatCell[];
  readonly unit: string;
  /** A word for what is marked with a star. */
  readonly unsure: string;
}

const left = 46;
const top = 34;
const rowHeight = 42;
const keyHeight = 24;

export function drawHeatMap({ about, rows, columns, cells, unit, unsure }: HeatMap): Chart {
  const rowValues = [...new Set(cells.map(({ row }) => row))].sort((a, b) => b - a);
  const columnValues = [...new Set(cells.map(({ column }) => column))].sort((a, b) => a - b);
  const area: Area = { left, right: chartWidth, top, bottom: top + rowHeight * rowValues.length };
  const x = scaleBand(columnValues, [area.left, area.right]).paddingInner(0.04);
  const y = scaleBand(rowValues, [area.top, area.bottom]).paddingInner(0.06);
  const [width, height] = [x.bandwidth(), y.bandwidth()];
  const [low = 0, high = 0] = extent(cells, ({ value }) => value);
  const stepOf = scaleQuantize([low, high], [...Array(heatSteps).keys()]);
  const boxes = cells.map((cell) => {
    const box = { x: x(cell.column)!, y: y(cell.row)!, width, height };
    return cell.value === null ? drawMissing(cell, box) : drawCell(cell, cell.value, stepOf(cell.value), box);
  });
  const formatColumn = columns.format ?? String;
  const isTight = columnValues.some((value) => widthOfText(formatColumn(value, false)) > width);
  const labels = columnValues.map((value) => ({
    at: x(value)! + width / 2,
    text: formatColumn(value, isTight),
  }));
  const rowLabels = rowValues.map(
    (value) =>
      markup`<text x="${left - 10}" y="${round(y(value)! + height / 2)}" dy=".35em" text-anchor="end">${(rows.format ?? String)(value, false)}</text>`,
  );
  const keyTop = area.bottom + axisHeight;
  const star = cells.some(({ isUnsure }) => isUnsure) ? `, * ${unsure}` : '';
  const key = drawKey(`${formatFigure(low)} to ${formatFigure(high)} ${unit}${star}`, keyTop);
  return {
    ...about,
    width: chartWidth,
    height: keyTop + keyHeight,
    drawing: markup`<text class="axis-title" x="0" y="14">${rows.title}</text>${rowLabels}${boxes}${drawBottom(labels, columns.title, area)}${key}`,
  };
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawCell(
  { row, column, tooltip, isUnsure = false }: HeatCell,
  value: number,
  step: number,
  box: Box,
): Markup {
  const figures = [formatFigure(value), value.toFixed(0)].map((figure) => figure + (isUnsure ? ' *' : ''));
  const figure = figures.find((text) => widthOfText(text) <= box.width);
  const label = figure === undefined ? nothing : drawInBox(figure, box, inkOnHeat(step));
  return markup`<g class="mark" data-series="${row}" data-x="${column}" data-y="${value}"><title>${tooltip}</title>
<rect class="h${step}" ${sidesOf(box)}/>${label}</g>`;
}

function drawMissing({ tooltip }: HeatCell, box: Box): Markup {
  return markup`<g class="unavailable"><title>${tooltip}</title><rect class="missing" ${sidesOf(box)}/>${drawInBox('n/a', box, 'absent')}</g>`;
}

function drawInBox(text: string, { x, y, width, height }: Box, className: string): Markup {
  return markup`<text class="${className}" x="${round(x + width / 2)}" y="${round(y + height / 2)}" dy=".35em" text-anchor="middle">${text}</text>`;
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
