// What a page tells of a scaling experiment.
import type { ScalingCurve, ScalingResults } from '../../scaling/results.js';
import { drawCurveCharts } from '../bench-charts.js';
import { nameOf } from '../../../page/charts/chart.js';
import { curveTitle } from '../charts/curves.js';
import { absent, formatFigure, formatQuantity, formatShare } from '../../../page/figures.js';
import { markup, when, type Markup } from '../../../page/markup.js';
import { formatCount, formatFlop } from '../../../page/table.js';
import type { PageParts } from './document.js';
import { formatFigureOf, formatNotes, type Fact, type Section, type Tile } from '../../../page/parts.js';
import { formatScalingTable } from './scaling-table.js';

export function scalingParts(results: ScalingResults): PageParts {
  const { curves, machine, kernel, instructionSet, peaks } = results;
  const most = Math.max(0, ...curves.flatMap(({ points }) => points.map(({ workers }) => workers)));
  return {
    command: 'headpool scale',
    lead: `What ${formatQuantity(most, 'worker')} make of the same and of growing work on ${machine.cpu}, against one worker and against as many threads of nothing but multiply-adds.`,
    tiles: tilesOf(curves),
    sections: [
      ...curves.map(curveSection),
      { ...{ id: 'notes', title: 'Notes', text: '' }, content: formatNotes(notes) },
    ],
    facts: [
      [`Kernel ${kernel}`, instructionSet],
      ...peaks.slice(0, 1).map((peak): Fact => ['Multiply-adds, one worker', formatRate(peak)]),
      ...peaks
        .slice(1)
        .slice(-1)
        .map((peak): Fact => [`Multiply-adds, ${peaks.length} workers`, formatRate(peak)]),
    ],
  };
}

function formatRate(flopPerSecond: number): string {
  return `${formatFlop(flopPerSecond)}/s`;
}

/** Of the curve that gains most. */
function tilesOf(curves: readonly ScalingCurve[]): Tile[] {
  const tops = curves
    .flatMap((curve) => curve.points.slice(-1).map((point) => ({ curve, point })))
    .sort((a, b) => b.point.speedUp - a.point.speedUp);
  const top = tops[0];
  if (top === undefined) {
    return [{ title: 'Speed-up', figure: absent, unit: '', detail: 'nothing was measured' }];
  }
  const { curve, point } = top;
  const { low, high } = point.speedUpInterval;
  const { amdahl } = curve;
  const furthest = curve.predicted.filter(({ isBeyondMachine }) => isBeyondMachine).at(-1);
  return [
    {
      ...{ title: `Speed-up with ${formatQuantity(point.workers, 'worker')}`, unit: '×' },
      figure: formatFigure(point.speedUp),
      detail: `${curveTitle(curve)}; 95 %: ${formatFigure(low)} to ${formatFigure(high)}`,
    },
    {
      ...{ title: 'Efficiency', unit: '' },
      figure: formatShare(point.efficiency),
      detail: `${formatShare(point.peakEfficiency)} of what the multiply-adds gain`,
    },
    ...(amdahl === null
      ? []
      : [
          {
            ...{ title: "Serial share by Amdahl's law", unit: '' },
            figure: formatShare(amdahl.serial),
            detail: `fits to ${formatShare(amdahl.deviation)}`,
          },
        ]),
    ...(furthest === undefined
      ? []
      : [
          {
            ...{ title: `Predicted with ${formatQuantity(furthest.workers, 'worker')}`, unit: '×' },
            figure: formatFigure(furthest.speedUp),
            detail: `not measured; within ${formatShare(curve.predictionError)} where it can be checked`,
          },
        ]),
  ];
}

function curveSection(curve: ScalingCurve, index: number): Section {
  const title = curveTitle(curve);
  return {
    id: `${nameOf(curve.kind, curve.axis)}${index === 0 ? '' : `-${index + 1}`}`,
    title,
    text: describeWork(curve),
    content: markup`<div class="figures">${drawCurveCharts(curve).map(formatFigureOf)}${formatFits(curve)}</div>${when(
      curve.points.length + curve.predicted.length > 0,
      () => formatScalingTable(curve, title),
    )}`,
  };
}

function describeWork({ kind, points }: ScalingCurve): string {
  const first = points[0]?.work;
  const last = points.at(-1)?.work;
  if (first === undefined || last === undefined) return 'Nothing was measured.';
  const size = `${formatQuantity(first.heads, 'head')} of modelDim ${formatCount(first.modelDim)}, ${formatQuantity(first.tokens, 'token')}, batch ${formatCount(first.batch)}`;
  const flop = formatFlop(first.flop);
  return kind === 'strong' || points.length === 1
    ? `${size}: ${flop} in every call, however many workers share it.`
    : `From ${size} (${flop} a call) for one worker to ${formatFlop(last.flop)} for ${formatCount(points.at(-1)!.workers)}.`;
}

function formatFits({ amdahl, universal, predicted, predictionError }: ScalingCurve): Markup {
  const rows: Fit[] = [];
  if (amdahl !== null) {
    const most = amdahl.serial > 0 ? `, so at most ${formatFigure(1 / amdahl.serial)} times one` : '';
    rows.push(["Amdahl's law", `serial share ${formatShare(amdahl.serial)}${most}`, amdahl.deviation]);
  }
  if (universal !== null) {
    const { contention, coherence, peakWorkers, deviation } = universal;
    const most =
      peakWorkers === null ? '' : `, fastest with ${formatQuantity(Math.round(peakWorkers), 'worker')}`;
    const parameters = `contention ${formatFigure(contention)}, coherence ${formatFigure(coherence)}`;
    rows.push(['Universal law', parameters + most, deviation]);
  }
  const furthest = predicted.at(-1);
  if (furthest !== undefined) {
    const speedUp = `${formatFigure(furthest.speedUp)} times one with ${formatQuantity(furthest.workers, 'worker')}`;
    rows.push(['Simulated plan', speedUp, predictionError]);
  }
  return markup`<div class="aside"><h3>Laws and prediction</h3><p>${
    rows.length === 0
      ? 'There are too few points to fit a law to.'
      : 'The laws are fitted to the measured points, deviations are root mean squares. The simulation runs the real plan on simulated workers with the unit costs of one; its deviation is the largest.'
  }</p>${when(rows.length > 0, () => formatFitRows(rows))}</div>`;
}

type Fit = readonly [name: string, parameters: string, deviation: number];

function formatFitRows(fits: readonly Fit[]): Markup {
  const rows = fits.map(
    ([name, parameters, deviation]) =>
      markup`<tr><th scope="row" class="text">${name}</th><td class="text">${parameters}</td><td>${formatShare(deviation)}</td></tr>`,
  );
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Laws and prediction"><table><thead><tr><th scope="col" class="text">law</th><th scope="col" class="text">parameters</th><th scope="col">deviation</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

const notes = [
  'Speed-up: work a second against one worker, the median of pairs measured in turn; whiskers are its 95 % interval (bootstrap).',
  'Multiply-adds alone: how many times faster as many threads run nothing but multiply-adds. Processors that share a core or slow down under load gain less than their number, whatever runs on them.',
  'Hollow points on dashed lines are predicted and not measured; in the shaded part there is no machine to check them.',
  "Where the time goes: each phase lasts as long as its slowest worker; waiting is the mean share of the workers' time without a unit, taken off all phases alike. Dispatch is before the first phase and after the last.",
  "Amdahl's law: 1 / (s + (1 - s) / n). Universal law: n / (1 + contention (n - 1) + coherence n (n - 1)).",
];
