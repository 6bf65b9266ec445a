// All charts that there are of measured results, as files of their own.
import { benchModes, type GridResults } from '../grid/results.js';
import type { ScalingCurve, ScalingResults } from '../scaling/results.js';
import { formatFile, type Chart } from '../../page/charts/chart.js';
import { drawEfficiency } from './charts/efficiency.js';
import { drawHeatMaps } from './charts/heat-map.js';
import { drawLineChart } from './charts/line-chart.js';
import { drawRoofline } from './charts/roofline.js';
import { drawSpeedUp } from './charts/speed-up.js';
import { drawTimeParts } from './charts/time-parts.js';

/** The charts of a grid by what they are about; each list may be empty. */
export interface GridCharts {
  readonly lines: readonly Chart[];
  readonly heatMaps: readonly Chart[];
  readonly roofline: Chart | null;
}

export function drawGridCharts({ cells }: GridResults): GridCharts {
  const measured = cells.filter((cell) => cell.status === 'measured');
  const lines = benchModes.flatMap((mode) => [
    drawLineChart(measured, mode, 'time'),
    drawLineChart(measured, mode, 'rate'),
  ]);
  return {
    lines: lines.filter((chart) => chart !== null),
    heatMaps: drawHeatMaps(cells),
    roofline: drawRoofline(measured),
  };
}

/** The charts of a curve that has points, else none. */
export function drawCurveCharts(curve: ScalingCurve): Chart[] {
  return [drawSpeedUp(curve), drawEfficiency(curve), drawTimeParts(curve)].filter((chart) => chart !== null);
}

/** Every chart of the results by the name of its file without extension: complete SVG documents with both themes. */
export function formatCharts(results: GridResults | ScalingResults): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const chart of chartsOf(results)) {
    let name = chart.name;
    for (let copy = 2; files.has(name); copy++) name = `${chart.name}-${copy}`;
    files.set(name, formatFile({ ...chart, name }));
  }
  return files;
}

function chartsOf(results: GridResults | ScalingResults): Chart[] {
  if (results.benchmark === 'scaling') return results.curves.flatMap(drawCurveCharts);
  const { lines, heatMaps, roofline } = drawGridCharts(results);
  return [...lines, ...heatMaps, ...(roofline === null ? [] : [roofline])];
}
