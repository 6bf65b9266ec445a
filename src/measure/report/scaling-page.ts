// What a page tells of a scaling experiment.
import { largestOf } from '../../core/lists.js';
import type { ScalingCurve, ScalingResults } from '../scaling/results.js';
import { nameOf } from '../../page/charts/chart.js';
import type { PageParts } from '../../page/document.js';
import {
  absent,
  formatCount,
  formatFigure,
  formatFlop,
  formatQuantity,
  formatRange,
  formatShare,
} from '../../page/figures.js';
import { markup, nothing, when, type Markup } from '../../page/markup.js';
import {
  formatAside,
  formatFigures,
  formatNotes,
  type Fact,
  type Section,
  type Tile,
} from '../../page/parts.js';
import { formatHtmlTable } from '../../page/table.js';
import { drawCurveCharts } from './charts.js';
import { curveTitle } from './charts/curves.js';
import { fitsOf } from './fits.js';
import { footerOf, machineSection } from './machine.js';
import { formatPoints } from './scaling-table.js';

export function describeScaling(results: ScalingResults): PageParts {
  const { title, curves, machine, kernel, instructionSet, peaks } = results;
  const most = largestOf(
    curves.flatMap(({ points }) => points.map(({ workers }) => workers)),
    0,
  );
  const rates = peaks.map((peak, index): Fact => [
    `Multiply-adds, ${index === 0 ? 'one worker' : `${index + 1} workers`}`,
    `${formatFlop(peak)}/s`,
  ]);
  const facts: Fact[] = [
    [`Kernel ${kernel}`, instructionSet],
    ...rates.filter((_, index) => index === 0 || index === rates.length - 1),
  ];
  return {
    title,
    command: 'headpool scale',
    lead: `What ${formatQuantity(most, 'worker')} make of the same and of growing work on ${machine.cpu}, against one worker and against as many threads of nothing but multiply-adds.`,
    tiles: tilesOf(curves),
    sections: [
      machineSection(results, facts),
      ...curves.map(curveSection),
      { id: 'notes', title: 'Notes', content: formatNotes(notes) },
    ],
    footer: footerOf(results),
    data: results,
  };
}

/** Of the curve that gains most. */
function tilesOf(curves: readonly ScalingCurve[]): Tile[] {
  const [top] = curves
    .flatMap((curve) => curve.points.slice(-1).map((point) => ({ curve, point })))
    .sort((a, b) => b.point.speedUp - a.point.speedUp);
  if (top === undefined) return [{ title: 'Speed-up', figure: absent, detail: 'nothing was measured' }];
  const { curve, point } = top;
  const { amdahl } = curve;
  const furthest = curve.predicted.filter(({ isBeyondMachine }) => isBeyondMachine).at(-1);
  const tiles = [
    {
      title: `Speed-up with ${formatQuantity(point.workers, 'worker')}`,
      unit: '×',
      figure: formatFigure(point.speedUp),
      detail: `${curveTitle(curve)}; 95 %: ${formatRange(point.speedUpInterval, formatFigure)}`,
    },
    {
      title: 'Efficiency',
      figure: formatShare(point.efficiency),
      detail: `${formatShare(point.peakEfficiency)} of what the multiply-adds gain`,
    },
    amdahl && {
      title: "Serial share by Amdahl's law",
      figure: formatShare(amdahl.serial),
      detail: `fits to ${formatShare(amdahl.deviation)}`,
    },
    furthest && {
      title: `Predicted with ${formatQuantity(furthest.workers, 'worker')}`,
      unit: '×',
      figure: formatFigure(furthest.speedUp),
      detail: `not measured; within ${formatShare(curve.predictionError)} where it can be checked`,
    },
  ];
  return tiles.filter((tile) => tile != null);
}

function curveSection(curve: ScalingCurve, index: number): Section {
  const title = curveTitle(curve);
  const hasRows = curve.points.length + curve.predicted.length > 0;
  return {
    id: `${nameOf(curve.kind, curve.axis)}${index === 0 ? '' : `-${index + 1}`}`,
    title,
    text: describeWork(curve),
    content: markup`${formatFigures(drawCurveCharts(curve), formatFits(curve))}${when(hasRows, () => formatPoints(curve, title))}`,
  };
}

function describeWork({ kind, points }: ScalingCurve): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return 'Nothing was measured.';
  const { heads, modelDim, tokens, batch, flop } = first.work;
  const size = `${formatQuantity(heads, 'head')} of modelDim ${formatCount(modelDim)}, ${formatQuantity(tokens, 'token')}, batch ${formatCount(batch)}`;
  return kind === 'strong' || points.length === 1
    ? `${size}: ${formatFlop(flop)} in every call, however many workers share it.`
    : `From ${size} (${formatFlop(flop)} a call) for one worker to ${formatFlop(last.work.flop)} for ${formatCount(last.workers)}.`;
}

function formatFits(curve: ScalingCurve): Markup {
  const title = 'Laws and prediction';
  const rows = fitsOf(curve);
  if (rows.length === 0) return formatAside(title, 'There are too few points to fit a law to.', nothing);
  return formatAside(
    title,
    'The laws are fitted to the measured points, deviations are root mean squares. The simulation runs the real plan on simulated workers with the unit costs of one; its deviation is the largest.',
    formatHtmlTable({
      label: title,
      columns: [
        { title: 'law', value: ({ law }) => law },
        { title: 'parameters', value: ({ says }) => says },
        { title: 'deviation', value: ({ deviation }) => deviation, format: formatShare },
      ],
      rows,
    }),
  );
}

const notes = [
  'Speed-up: work a second against one worker, the median of pairs measured in turn; whiskers are its 95 % interval (bootstrap).',
  'Multiply-adds alone: how many times faster as many threads run nothing but multiply-adds. Processors that share a core or slow down under load gain less than their number, whatever runs on them.',
  'Hollow points on dashed lines are predicted and not measured; in the shaded part there is no machine to check them.',
  "Where the time goes: each phase lasts as long as its slowest worker; waiting is the mean share of the workers' time without a unit, taken off all phases alike. Dispatch is before the first phase and after the last.",
  "Amdahl's law: 1 / (s + (1 - s) / n). Universal law: n / (1 + contention (n - 1) + coherence n (n - 1)).",
];
