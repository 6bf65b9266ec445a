// What a page tells of a scaling experiment.
import { largestOf } from '../../core/lists.js';
import { gainOverPeak } from '../busy.js';
import type { ScalingCurve, ScalingPoint, ScalingResults } from '../scaling/results.js';
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
import { markup, when, type Markup } from '../../page/markup.js';
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
import { fitsOf, onlyTold, type Fit } from './fits.js';
import { describeBusy, footerOf, machineSection } from './machine.js';
import { formatPoints } from './scaling-table.js';

export function describeScaling(results: ScalingResults): PageParts {
  const { title, machine, kernel, instructionSet, peaks, busy } = results;
  const isBusy = busy.length > 0;
  const curves = results.curves.map((curve) => onlyTold(curve, isBusy));
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
    warnings: describeBusy(busy),
    tiles: tilesOf(curves),
    sections: [
      machineSection(results, facts),
      ...curves.map((curve, index) => curveSection(curve, fitsOf(results.curves[index]!, isBusy), index)),
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
      detail: `${curveTitle(curve)}; the median of pairs, 95 %: ${formatRange(point.speedUpInterval, formatFigure)}`,
    },
    {
      title: 'Efficiency',
      figure: formatShare(point.efficiency),
      detail: describeGain(point),
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
      detail:
        curve.points.length < 2
          ? 'not measured, and nothing to check it by'
          : `not measured; within ${formatShare(curve.predictionError)} where it can be checked`,
    },
  ];
  return tiles.filter((tile) => tile != null);
}

function describeGain(point: ScalingPoint): string {
  const gain = gainOverPeak(point);
  return gain === null
    ? 'the multiply-adds were disturbed'
    : `${formatShare(gain)} of what the multiply-adds gain`;
}

/** @param curve what is told of it, with `fits` that say what isn't */
function curveSection(curve: ScalingCurve, fits: readonly Fit[], index: number): Section {
  const title = curveTitle(curve);
  const hasRows = curve.points.length + curve.predicted.length > 0;
  return {
    id: `${nameOf(curve.kind, curve.axis)}${index === 0 ? '' : `-${index + 1}`}`,
    title,
    text: describeWork(curve),
    content: markup`${formatFigures(drawCurveCharts(curve), formatFits(fits))}${when(hasRows, () => formatPoints(curve, title))}`,
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

function formatFits(rows: readonly Fit[]): Markup {
  const title = 'Laws and prediction';
  return formatAside(
    title,
    'The laws are fitted to the measured points, deviations are root mean squares. The simulation runs the real plan on simulated workers with the unit costs of one; its deviation is the largest.',
    formatHtmlTable({
      label: title,
      columns: [
        { title: 'law', value: ({ law }) => law },
        { title: 'says', value: ({ says }) => says },
        { title: 'deviation', value: ({ deviation }) => deviation, format: formatShare },
      ],
      rows,
      hasCards: true,
    }),
  );
}

const notes = [
  'Speed-up: work a second against one worker, the median of pairs measured in turn, which is not quite the ratio of the medians in the table; whiskers are its 95 % interval (bootstrap), with an arrow where it goes on beyond the axis.',
  'Multiply-adds alone: how many times faster as many threads run nothing but multiply-adds. Processors that share a core or slow down under load gain less than their number, whatever runs on them.',
  'Hollow points on dashed lines are predicted and not measured; in the shaded part there is no machine to check them.',
  "Where the time goes: shares of the mean call; each phase lasts as long as its slowest worker; waiting is the mean share of the workers' time without a unit, taken off all phases alike. Dispatch is before the first phase and after the last.",
  "Amdahl's law: 1 / (s + (1 - s) / n). Universal law: n / (1 + contention (n - 1) + coherence n (n - 1)).",
];
