// What a page tells of a grid of configurations.
import { nameOfCase, type GridResults, type MeasuredCell } from '../../grid/results.js';
import { drawGridCharts } from '../bench-charts.js';
import type { Chart } from '../../../page/charts/chart.js';
import { roofsOf } from '../charts/roofline.js';
import { absent, formatFigure, formatQuantity, formatShare } from '../../../page/figures.js';
import { markup, nothing, type Markup } from '../../../page/markup.js';
import { formatCount } from '../../../page/table.js';
import type { PageParts } from './document.js';
import { formatGridTable } from './grid-table.js';
import { formatGrowthTable } from './growth-table.js';
import { formatFigureOf, formatNotes, type Section, type Tile } from '../../../page/parts.js';

export function gridParts(results: GridResults): PageParts {
  const { cells, machine, instructionSets } = results;
  const measured = cells.filter((cell) => cell.status === 'measured');
  const kernels = Object.entries(instructionSets);
  return {
    command: 'headpool bench',
    lead: `Throughput of ${formatQuantity(cells.length, 'configuration')} on ${machine.cpu}: each checked against a float64 oracle, then timed in several rounds beside the multiply-adds' own rate.`,
    tiles: tilesOf(results, measured),
    sections: sectionsOf(results, measured),
    facts: kernels.map(([kernel, instructionSet]) => [`Kernel ${kernel}`, instructionSet]),
  };
}

function tilesOf({ cells }: GridResults, measured: readonly MeasuredCell[]): Tile[] {
  const quiet = measured.filter(({ isNoisy }) => !isNoisy);
  const best = (valueOf: (cell: MeasuredCell) => number): MeasuredCell | undefined =>
    [...(quiet.length > 0 ? quiet : measured)].sort((a, b) => valueOf(b) - valueOf(a))[0];
  const fastest = best(({ gflopPerSecond }) => gflopPerSecond);
  const nearest = best(({ peakShare }) => peakShare);
  const reader = best(({ gigabytesPerSecond }) => gigabytesPerSecond ?? -1);
  const missing = cells.length - measured.length;
  const noisy = measured.length - quiet.length;
  return [
    {
      ...{ title: 'Highest rate', unit: 'GFLOP/s' },
      figure: fastest === undefined ? absent : formatFigure(fastest.gflopPerSecond),
      detail: fastest === undefined ? 'nothing was measured' : nameOfCase(fastest.case),
    },
    ...(nearest === undefined
      ? []
      : [
          {
            ...{ title: "Of the multiply-adds' rate", unit: '' },
            figure: formatShare(nearest.peakShare),
            detail: nameOfCase(nearest.case),
          },
        ]),
    ...(reader?.gigabytesPerSecond == null
      ? []
      : [
          {
            ...{ title: 'Read by a token after a cache', unit: 'GB/s' },
            figure: formatFigure(reader.gigabytesPerSecond),
            detail: nameOfCase(reader.case),
          },
        ]),
    {
      ...{ title: 'Measured', unit: `of ${formatCount(cells.length)}` },
      figure: formatCount(measured.length),
      detail: `${formatCount(noisy)} noisy, ${formatCount(missing)} unavailable`,
    },
  ];
}

function sectionsOf(results: GridResults, measured: readonly MeasuredCell[]): Section[] {
  const { lines, heatMaps, roofline } = drawGridCharts(results);
  return [
    ...chartSection(
      {
        ...{ id: 'lines', title: 'Time and rate' },
        text: 'A line for each configuration; whiskers are 95 % intervals of the median, most of them smaller than their point.',
      },
      lines,
      formatGrowthTable(results.laws),
    ),
    ...chartSection(
      {
        ...{ id: 'maps', title: 'Heads and tokens' },
        text: 'The same figures by size; each map has its own scale of colours, from its lowest figure to its highest.',
      },
      heatMaps,
    ),
    ...(roofline === null
      ? []
      : [
          {
            ...{ id: 'roofline', title: 'Roofline' },
            text: 'How far each configuration is from what bounds it: the rate of multiply-adds, or that of memory.',
            content: markup`<div class="figures">${formatFigureOf(roofline)}${formatRoofs(measured)}</div>`,
          },
        ]),
    {
      ...{ id: 'table', title: 'All configurations', text: '' },
      content: formatGridTable(results.cells),
    },
    { ...{ id: 'notes', title: 'Notes', text: '' }, content: formatNotes(notesOf(results, measured)) },
  ];
}

function chartSection(
  section: Omit<Section, 'content'>,
  charts: readonly Chart[],
  below: Markup = nothing,
): Section[] {
  if (charts.length === 0) return [];
  return [{ ...section, content: markup`<div class="figures">${charts.map(formatFigureOf)}</div>${below}` }];
}

function formatRoofs(measured: readonly MeasuredCell[]): Markup {
  const rows = roofsOf(measured).map(({ name, gflopPerSecond, gigabytesPerSecond }) => {
    const ridge = gigabytesPerSecond === null ? absent : formatFigure(gflopPerSecond / gigabytesPerSecond);
    const read = gigabytesPerSecond === null ? absent : formatFigure(gigabytesPerSecond);
    return markup`<tr><th scope="row" class="text">${name}</th><td>${formatFigure(gflopPerSecond)}</td><td>${read}</td><td>${ridge}</td></tr>`;
  });
  return markup`<div class="aside"><h3>The roofs</h3><p>The level line is the median rate of nothing but multiply-adds, measured around every configuration. The slope is the most that was read while a token attended a cache; without such a configuration there is none. They meet in the ridge, in FLOP a byte: left of it memory is the bound, right of it arithmetic.</p><div class="scroll" tabindex="0" role="region" aria-label="The roofs"><table><thead><tr><th scope="col" class="text">kernel</th><th scope="col">GFLOP/s</th><th scope="col">GB/s</th><th scope="col">ridge</th></tr></thead><tbody>${rows}</tbody></table></div></div>`;
}

function notesOf({ cells }: GridResults, measured: readonly MeasuredCell[]): string[] {
  const noisy = measured.filter(({ isNoisy }) => isNoisy).map((cell) => nameOfCase(cell.case));
  return [
    'A time is the median of its samples. The interval beside it holds that median with 95 % confidence (bootstrap); spread is how far the middle 80 % of the samples lie apart, as a share of the median.',
    "Of peak: the share of the rate that as many threads reached with nothing but multiply-adds, measured just before and after. A FLOP is an addition or a multiplication that the configuration's mask leaves.",
    'Projections and attention: mean milliseconds of a call in the products with weights, and between them; the median of the rounds. What both lack to the time of a call is dispatch.',
    'Control: the configuration against itself, in pairs; 1 on a quiet machine. Error: the largest of the checked rows, as a share of their largest number.',
    'FLOP a byte counts inputs, weights, outputs and the attended part of a cache once each.',
    ...(noisy.length === 0
      ? []
      : [`Noisy (hollow points, a star in maps): the control failed twice. ${noisy.join('; ')}.`]),
    ...cells.flatMap((cell) =>
      cell.status === 'measured' ? [] : [`Unavailable: ${nameOfCase(cell.case)}. ${cell.reason}`],
    ),
  ];
}
