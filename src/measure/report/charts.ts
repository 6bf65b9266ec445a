// All charts that there are of measured results, as files of their own.
import { benchModes, type GridResults } from '../grid/results.js';
import type { ScalingCurve, ScalingResults } from '../scaling/results.js';
import { formatFile, type Chart } from '../../page/charts/chart.js';
import { drawHeatMaps } from './charts/heat-maps.js';
import { drawRoofline } from './charts/roofline.js';
import { drawEfficiency, drawSpeedUp } from './charts/speed-up.js';
import { drawTimeAndRate } from './charts/time-and-rate.js';
import { drawTimeParts } from './charts/time-parts.js';

/** The charts of a grid by what they are about; each list may be empty. */
export function drawGridCharts({ cells }: GridResults): Record<'lines' | 'heatMaps' | 'roofline', Chart[]> {
  const measured = cells.filter((cell) => cell.status === 'measured');
  return {
    lines: benchModes.flatMap((mode) => drawTimeAndRate(measured, mode)),
    heatMaps: drawHeatMaps(cells),
    roofline: [drawRoofline(measured)].filter((chart) => chart !== null),
  };
}

/** The charts of a curve that has points, else none. */
export function drawCurveCharts(curve: ScalingCurve): Chart[] {
  return [drawSpeedUp(curve), drawEfficiency(curve), drawTimeParts(curve)].filter((chart) => chart !== null);
}

/** Every chart of the results by the name of its file without extension: complete SVG documents with both themes. */
export function formatCharts(results: GridResults | ScalingResults): ReadonlyMap<string, string> {
  const charts =
    results.benchmark === 'scaling'
      ? results.curves.flatMap(drawCurveCharts)
      : Object.values(drawGridCharts(results)).flat();
  const files = new Map<string, string>();
  for (const chart of charts) {
    let name = chart.name;
    for (let copy = 2; files.has(name); copy++) name = `${chart.name}-${copy}`;
    files.set(name, formatFile({ ...chart, name }));
  }
  return files;
}
