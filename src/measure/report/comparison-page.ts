// What a page tells of a comparison of grids.
import type { Comparison, MachineDifference } from '../grid/compare.js';
import { untitled } from '../grid/results.js';
import type { PageParts } from '../../page/document.js';
import { absent, formatCount, formatQuantity, formatRange, formatRatio } from '../../page/figures.js';
import { formatFigures, formatNotes, type Section, type Tile } from '../../page/parts.js';
import { formatHtmlTable } from '../../page/table.js';
import { drawRatios } from './charts/ratios.js';
import { countVerdicts, differsText, formatComparedCells, formatUnpaired } from './comparison-table.js';
import { describeBusy } from './machine.js';

export function describeComparison(comparison: Comparison): PageParts {
  const { title, versions, cells, pairs, busy } = comparison;
  const of = pairs === 1 ? 'one measurement each' : `${formatCount(pairs)} pairs of measurements`;
  return {
    title: title === untitled ? 'B against A' : `B against A: ${title}`,
    command: 'headpool bench --compare',
    lead: `B (headpool ${versions.b}) against A (headpool ${versions.a}): ${formatQuantity(cells.length, 'configuration')} by ${of}.`,
    warnings: [
      ...describeBusy(busy),
      ...(comparison.machineDiffers.length === 0
        ? []
        : ['A and B were not measured on the same machine and Node.js.']),
    ],
    tiles: tilesOf(comparison),
    sections: sectionsOf(comparison),
    footer: `headpool ${versions.b}`,
    data: comparison,
  };
}

function tilesOf({ cells, overall }: Comparison): Tile[] {
  const { faster, slower, left } = countVerdicts(cells);
  const judged = `of ${formatCount(cells.length - left)}`;
  const { ratio, interval, verdict } = overall;
  return [
    {
      title: 'Overall, times A',
      figure: ratio === null ? absent : formatRatio(ratio),
      unit: ratio === null ? '' : '×',
      detail:
        interval === null
          ? 'nothing could be decided'
          : `${verdict ?? 'no verdict'}; 97.5 %: ${formatRange(interval, formatRatio)}`,
    },
    { title: 'Slower', figure: formatCount(slower), unit: judged, detail: 'the interval lies above 1' },
    { title: 'Faster', figure: formatCount(faster), unit: judged, detail: 'the interval lies below 1' },
    {
      title: 'Without a verdict',
      figure: formatCount(left),
      unit: `of ${formatCount(cells.length)}`,
      detail: 'noisy, not measured or in too few rounds',
    },
  ];
}

function sectionsOf(comparison: Comparison): Section[] {
  const { machineDiffers, onlyInA, onlyInB } = comparison;
  const charts = drawRatios(comparison);
  const unpaired = [...formatUnpaired('A', onlyInA), ...formatUnpaired('B', onlyInB)];
  return [
    ...(charts.length === 0
      ? []
      : [
          {
            id: 'ratios',
            title: 'Ratios',
            text: 'A point for each configuration, the worst at the top, with its interval; an arrow goes on beyond the axis.',
            content: formatFigures(charts),
          },
        ]),
    { id: 'table', title: 'All configurations', content: formatComparedCells(comparison) },
    ...(machineDiffers.length === 0 ? [] : [machinesSection(machineDiffers)]),
    { id: 'notes', title: 'Notes', content: formatNotes([...notes, ...unpaired]) },
  ];
}

function machinesSection(rows: readonly MachineDifference[]): Section {
  const content = formatHtmlTable({
    label: 'Differences of the machines',
    columns: [
      { title: 'field', value: ({ field }) => field },
      { title: 'A', value: ({ a }) => a },
      { title: 'B', value: ({ b }) => b },
    ],
    rows,
    hasCards: true,
  });
  return { id: 'machines', title: 'Machines', text: `${differsText} these.`, content };
}

const notes = [
  'A time counts in multiply-adds that the machine could have done meanwhile, so that what slows these too cancels out. Milliseconds are as they were measured, so their ratio may be another one.',
  'Verdicts hold for the table as a whole: two runs of one build give none but \u201csame\u201d with 95 %. Of one pair of files intervals go over their rounds, of several over the pairs.',
  'What differs for longer than a file takes shows in several pairs only.',
];
