// What a page tells of a grid of configurations.
import { shareOfPeak } from '../busy.js';
import { nameOfCase, type GridResults, type MeasuredCell } from '../grid/results.js';
import type { PageParts } from '../../page/document.js';
import { absent, formatCount, formatFigure, formatQuantity, formatShare } from '../../page/figures.js';
import { markup, type Markup } from '../../page/markup.js';
import { formatAside, formatFigures, formatNotes, type Section, type Tile } from '../../page/parts.js';
import { formatHtmlTable } from '../../page/table.js';
import { drawGridCharts } from './charts.js';
import { roofsOf } from './charts/roofline.js';
import { formatCells } from './grid-table.js';
import { formatGrowthOnPage } from './growth-table.js';
import { describeBusy, footerOf, machineSection } from './machine.js';

export function describeGrid(results: GridResults): PageParts {
  const { title, cells, machine, instructionSets, adapter, busy } = results;
  const measured = cells.filter((cell) => cell.status === 'measured');
  const kernels = Object.entries(instructionSets).map(([name, set]) => [`Kernel ${name}`, set] as const);
  const gpu = adapter === undefined ? [] : [['GPU', adapter] as const];
  return {
    title,
    command: 'headpool bench',
    lead: `Throughput of ${formatQuantity(cells.length, 'configuration')} on ${machine.cpu}: each checked against a float64 oracle, then timed in several rounds beside the multiply-adds' own rate.`,
    warnings: describeBusy(busy),
    tiles: tilesOf(results, measured),
    sections: [machineSection(results, [...gpu, ...kernels]), ...sectionsOf(results, measured)],
    footer: footerOf(results),
    data: results,
  };
}

/** Of quiet cells, if there are any. */
function tilesOf({ cells }: GridResults, measured: readonly MeasuredCell[]): Tile[] {
  const quiet = measured.filter(({ isNoisy }) => !isNoisy);
  const best = (
    valueOf: (cell: MeasuredCell) => number | null,
    tile: Pick<Tile, 'title' | 'unit'>,
    format = formatFigure,
  ): Tile[] =>
    (quiet.length > 0 ? quiet : measured)
      .map((cell) => ({ value: valueOf(cell), detail: nameOfCase(cell.case) }))
      .filter(({ value }) => value !== null)
      .sort((a, b) => b.value! - a.value!)
      .slice(0, 1)
      .map(({ value, detail }) => ({ ...tile, figure: format(value!), detail }));
  const rate = { title: 'Highest rate', unit: 'GFLOP/s' };
  const nothing = { ...rate, figure: absent, detail: 'nothing was measured' };
  const missing = cells.length - measured.length;
  return [
    ...(measured.length === 0 ? [nothing] : best(({ gflopPerSecond }) => gflopPerSecond, rate)),
    ...best(shareOfPeak, { title: "Of the multiply-adds' rate" }, formatShare),
    ...best((cell) => cell.gigabytesPerSecond, { title: 'Read by a token after a cache', unit: 'GB/s' }),
    {
      title: 'Measured',
      unit: `of ${formatCount(cells.length)}`,
      figure: formatCount(measured.length),
      detail: `${formatCount(measured.length - quiet.length)} noisy, ${formatCount(missing)} unavailable`,
    },
  ];
}

function sectionsOf(results: GridResults, measured: readonly MeasuredCell[]): Section[] {
  const { lines, heatMaps, roofline } = drawGridCharts(results);
  const charts = [
    lines.length > 0 && {
      id: 'lines',
      title: 'Time and rate',
      text: 'A line for each configuration; whiskers are 95 % intervals of the median. Where none is seen, it is smaller than its point; an arrow goes on beyond the axis.',
      content: markup`${formatFigures(lines)}${formatGrowthOnPage(results.laws)}`,
    },
    heatMaps.length > 0 && {
      id: 'maps',
      title: 'Heads and tokens',
      text: 'The same figures by size; each map has its own scale of colours, from its lowest figure to its highest.',
      content: formatFigures(heatMaps),
    },
    roofline.length > 0 && {
      id: 'roofline',
      title: 'Roofline',
      text: 'How far each configuration is from what bounds it: the rate of multiply-adds, or that of memory.',
      content: formatFigures(roofline, formatRoofs(measured)),
    },
  ];
  return [
    ...charts.filter((section) => section !== false),
    { id: 'table', title: 'All configurations', content: formatCells(results.cells) },
    { id: 'notes', title: 'Notes', content: formatNotes(notesOf(results, measured)) },
  ];
}

function formatRoofs(measured: readonly MeasuredCell[]): Markup {
  const table = formatHtmlTable({
    label: 'The roofs',
    columns: [
      { title: 'kernel', value: ({ name }) => name },
      { title: 'GFLOP/s', value: ({ gflopPerSecond }) => gflopPerSecond, format: formatFigure },
      { title: 'GB/s', value: ({ gigabytesPerSecond }) => gigabytesPerSecond, format: formatFigure },
      {
        title: 'ridge',
        value: ({ gflopPerSecond, gigabytesPerSecond }) =>
          gigabytesPerSecond && gflopPerSecond / gigabytesPerSecond,
        format: formatFigure,
      },
    ],
    rows: roofsOf(measured),
    hasCards: true,
  });
  return formatAside(
    'The roofs',
    'The level line is the median rate of nothing but multiply-adds, measured around every configuration. The slope is the most that was read while a token attended a cache; without such a configuration there is none. They meet in the ridge, in FLOP a byte: left of it memory is the bound, right of it arithmetic.',
    table,
  );
}

function notesOf({ cells }: GridResults, measured: readonly MeasuredCell[]): string[] {
  const noisy = measured.filter(({ isNoisy }) => isNoisy).map((cell) => nameOfCase(cell.case));
  return [
    'A time is the median of its samples. The interval beside it holds that median with 95 % confidence (bootstrap); spread is how far the middle 80 % of the samples lie apart, as a share of the median.',
    "Of peak: the share of the rate that as many threads reached with nothing but multiply-adds, measured just before and after. A FLOP is an addition or a multiplication that the configuration's mask leaves.",
    'Projections and attention: mean milliseconds of a call in the products with weights, and between them; the median of the rounds. What both lack to the time of a call is dispatch.',
    ...(measured.some(({ device }) => device !== undefined)
      ? [
          'Upload, compute and read back: mean milliseconds of a call on the GPU, the median of the rounds: handing over inputs; from the submission until it is done, copies on the device included; copying results out. On the device: the most memory that its buffers took during calls, weights included.',
        ]
      : []),
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
