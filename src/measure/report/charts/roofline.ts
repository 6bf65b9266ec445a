// The roofline (Williams et al., 2009): operations a second against operations a byte, below the multiply-adds' rate and the
// memory's, both as they were measured.
import { bytesPerElement } from '../../../core/tensor/dtype.js';
import { largestOf } from '../../../core/lists.js';
import { benchModes, type BenchCase, type MeasuredCell } from '../../grid/results.js';
import { median } from '../../statistics.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import {
  classOf,
  drawDotSample,
  drawLine,
  drawLineSample,
  drawPoint,
  type Axes,
  type Point,
} from '../../../page/charts/marks.js';
import { composeChart, drawAxes, xRange, yRange } from '../../../page/charts/plot.js';
import { isPositive, logAxis } from '../../../page/charts/scales.js';
import { seriesColours } from '../../../page/charts/theme.js';
import { formatFigure, formatTick } from '../../../page/figures.js';
import { markup, nothing, type Markup } from '../../../page/markup.js';
import { groupBy, noisyEntry, tooltipOf } from './series.js';

/** What bounds a kernel on so many threads. */
export interface Roof {
  readonly name: string;
  readonly gflopPerSecond: number;
  /** The most that was read in mode decode; null where that wasn't measured. */
  readonly gigabytesPerSecond: number | null;
  readonly cells: readonly MeasuredCell[];
}

/** The roofs of all kernels and numbers of threads among the cells. */
export function roofsOf(cells: readonly MeasuredCell[]): Roof[] {
  const engineOf = ({ case: { kernel, threads } }: MeasuredCell) => `${kernel} x${threads}`;
  return groupBy(cells, engineOf).map((own) => {
    const peaks = own.flatMap(({ rounds }) => rounds.map(({ peak }) => peak / 1e9)).filter(isPositive);
    const alike = cells.filter((cell) => cell.case.threads === own[0]!.case.threads);
    const read = largestOf(alike.map(({ gigabytesPerSecond }) => gigabytesPerSecond ?? 0));
    return {
      name: engineOf(own[0]!),
      gflopPerSecond: peaks.length === 0 ? Number.NaN : median(peaks),
      gigabytesPerSecond: isPositive(read) ? read : null,
      cells: own,
    };
  });
}

/** None without a cell that can be drawn; several with the same axes where one would have more roofs than colours. */
export function drawRooflines(cells: readonly MeasuredCell[]): Chart[] {
  const roofs = roofsOf(cells).map((roof) => ({ ...roof, points: pointsOf(roof) }));
  const points = roofs.flatMap((roof) => roof.points);
  if (points.length === 0) return [];
  const [intensities, rates] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const heights = roofs.map(({ gflopPerSecond }) => gflopPerSecond);
  const axes: Axes = { x: logAxis(intensities, xRange, 6), y: logAxis([...rates, ...heights], yRange) };
  const groups = groupBy([...roofs.keys()], (index) => Math.floor(index / seriesColours.light.length));
  return groups.map((indices) => {
    const own = indices.map((index, colour) => ({ ...roofs[index]!, colour }));
    const label = groups.length === 1 ? '' : `, ${own[0]!.name} to ${own.at(-1)!.name}`;
    return drawRoofs(own, axes, label);
  });
}

interface DrawnRoof extends Roof {
  readonly points: readonly RoofPoint[];
  readonly colour: number;
}

function drawRoofs(roofs: readonly DrawnRoof[], axes: Axes, label: string): Chart {
  const points = roofs.flatMap((roof) => roof.points);
  const about = {
    name: nameOf('roofline', label),
    title: `Roofline${label}`,
    heading: `Rate against intensity${label}`,
    caption: 'Colours are kernels on so many threads, shapes are modes.',
    description:
      'GFLOP/s against the operations for each byte that must be moved, both logarithmic; lines are the measured rates of multiply-adds and, where a cache was read, of memory.',
  };
  const frame = drawAxes(
    { axis: axes.x, title: 'FLOP a byte', format: formatTick },
    { axis: axes.y, title: 'GFLOP/s', format: formatTick },
  );
  const marks = roofs.flatMap(({ name, points: own, colour }) =>
    own.map((point) => drawPoint(name, point, axes, { colour, shape: point.shape })),
  );
  const entries = [
    ...roofs.map(({ name, colour }) => ({ name, sample: drawLineSample(classOf({ colour })) })),
    ...benchModes
      .map((mode, shape) => ({ name: mode, shape, sample: drawDotSample('neutral', shape) }))
      .filter(({ shape }) => points.some((point) => point.shape === shape)),
    ...noisyEntry(points),
  ];
  const lines = roofs.map((roof) => drawRoof(roof, axes, classOf(roof)));
  return composeChart(about, markup`${frame}${lines}${marks}`, entries);
}

interface RoofPoint extends Point {
  readonly shape: number;
}

function pointsOf({ cells }: Roof): RoofPoint[] {
  return cells
    .map((cell) => {
      const intensity = cell.flop / bytesOfCase(cell.case);
      return {
        x: intensity,
        y: cell.gflopPerSecond,
        tooltip: `${tooltipOf(cell)}\n${formatFigure(intensity)} FLOP a byte`,
        isHollow: cell.isNoisy,
        shape: benchModes.indexOf(cell.case.mode),
      };
    })
    .filter(({ x, y }) => isPositive(x) && isPositive(y));
}

/** From the left edge up the memory's rate to the multiply-adds' rate, and along it; no lower than the chart. */
function drawRoof({ gflopPerSecond, gigabytesPerSecond }: Roof, axes: Axes, className: string): Markup {
  if (!isPositive(gflopPerSecond)) return nothing;
  const [least, most] = axes.x.domain;
  const [lowest] = axes.y.domain;
  const bandwidth = gigabytesPerSecond ?? Number.POSITIVE_INFINITY;
  const start = Math.max(least, lowest / bandwidth);
  const ridge = Math.min(most, Math.max(start, gflopPerSecond / bandwidth));
  const line = [start, ridge, most].map((x) => ({ x, y: Math.min(gflopPerSecond, x * bandwidth) }));
  return drawLine(line, axes, `thin ${className}`);
}

const floatBytes = 4;

/**
 * The bytes that a call must move at least, each read or written once: inputs, weights, outputs and in mode decode the
 * cached keys and values that a token attends. Inputs and cache are of the case's dtype, weights and outputs of 4 bytes.
 */
export function bytesOfCase(benchCase: BenchCase): number {
  const { mode, modelDim, headDim, kvHeads, tokens, batch, window, dtype } = benchCase;
  const inputBytes = bytesPerElement[dtype];
  const keyDim = kvHeads * headDim;
  const weights = 2 * modelDim * (modelDim + keyDim) * floatBytes;
  const ownBytes = modelDim * (inputBytes + floatBytes);
  switch (mode) {
    case 'layer':
      return batch * tokens * ownBytes + weights;
    case 'attention':
      return batch * tokens * (ownBytes + 2 * keyDim * inputBytes);
    case 'decode':
      return batch * (2 * Math.min(tokens, window ?? tokens) * keyDim * inputBytes + ownBytes) + weights;
  }
}
