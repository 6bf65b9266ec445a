// All charts that there are of measured results, as files of their own.
import type { Comparison } from '../grid/compare.js';
import { benchModes, type GridResults } from '../grid/results.js';
import type { ScalingCurve, ScalingResults } from '../scaling/results.js';
import { formatFile, type Chart } from '../../page/charts/chart.js';
import { onlyTold } from './fits.js';
import { drawHeatMaps } from './charts/heat-maps.js';
import { drawRatios } from './charts/ratios.js';
import { drawRooflines } from './charts/roofline.js';
import { drawEfficiency, drawSpeedUp } from './charts/speed-up.js';
import { drawTimeAndRate } from './charts/time-and-rate.js';
import { drawTimeParts } from './charts/time-parts.js';

/** The charts of a grid by what they are about; each list may be empty. */
export function drawGridCharts({ cells }: GridResults): Record<'lines' | 'heatMaps' | 'roofline', Chart[]> {
  const measured = cells.filter((cell) => cell.status === 'measured');
  return {
    lines: benchModes.flatMap((mode) => drawTimeAndRate(measured, mode)),
    heatMaps: drawHeatMaps(cells),
    roofline: drawRooflines(measured),
  };
}

/** The charts of a curve that has points, else none. */
export function drawCurveCharts(curve: ScalingCurve): Chart[] {
  return [drawSpeedUp(curve), drawEfficiency(curve), drawTimeParts(curve)].filter((chart) => chart !== null);
}

/** Every chart of the results by the name of its file without extension: complete SVG documents with both themes. */
export function formatCharts(
  results: GridResults | ScalingResults | Comparison,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const chart of drawCharts(results)) {
    let name = chart.name;
    for (let copy = 2; files.has(name); copy++) name = `${chart.name}-${copy}`;
    files.set(name, formatFile({ ...chart, name }));
  }
  return files;
}

function drawCharts(results: GridResults | ScalingResults | Comparison): Chart[] {
  switch (results.benchmark) {
    case 'grid':
      return Object.values(drawGridCharts(results)).flat();
    case 'scaling':
      return results.curves.flatMap((curve) => drawCurveCharts(onlyTold(curve, results.busy.length > 0)));
    case 'comparison':
      return drawRatios(results);
    default:
      return results satisfies never;
  }
}
