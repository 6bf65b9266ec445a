// The page of measured results: complete, offline, and nothing of the results is taken for markup.
import test from 'ava';
import type { GridResults } from '../../../src/measure/grid/results.js';
import type { ScalingResults } from '../../../src/measure/scaling/results.js';
import { formatFigure, formatShare } from '../../../src/page/figures.js';
import { nameOfCase } from '../../../src/measure/grid/results.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { formatPage } from '../../../src/measure/report/page.js';
import {
  exampleCase,
  exampleCurve,
  exampleGrid,
  exampleMachine,
  exampleScaling,
  gridResults,
  measuredCell,
  missingCell,
  scalingResults,
} from '../../helpers/bench-fixtures.js';
import { readMarks } from '../../helpers/chart-marks.js';

type Results = GridResults | ScalingResults;

const both: readonly { readonly what: string; readonly results: Results }[] = [
  { what: 'a grid', results: exampleGrid() },
  { what: 'a scaling experiment', results: exampleScaling() },
];

function readEmbedded(page: string): unknown {
  const json = /<script type="application\/json" id="results">([^]*?)<\/script>/.exec(page)?.[1];
  return JSON.parse(json ?? 'null');
}

for (const { what, results } of both) {
  test(`the page of ${what} names no address outside itself`, (t) => {
    const page = formatPage(results);
    t.notRegex(page, /https?:/);
    t.notRegex(page, /<(?:link|img|iframe|object)\b|@import|url\(/);
  });

  test(`the page of ${what} has every chart that there is as a file, with the same marks`, (t) => {
    const page = formatPage(results);
    const files = [...formatCharts(results).values()];
    t.is(page.match(/<svg class="chart"/g)?.length, files.length);
    t.deepEqual(readMarks(page), files.flatMap(readMarks));
  });

  test(`the page of ${what} carries the results themselves`, (t) => {
    t.deepEqual(readEmbedded(formatPage(results)), JSON.parse(JSON.stringify(results)));
  });
}

test('text out of results is text, in elements, attributes and the embedded JSON', (t) => {
  const attack = `<script>alert(1)</script>"><img src=x onerror='alert(2)'>&amp;</title><!--`;
  const machine = { ...exampleMachine, cpu: attack, platform: attack };
  const cells = [
    measuredCell(exampleCase({ kernel: attack as 'native' })),
    missingCell(exampleCase(), attack),
  ];
  const grid = {
    ...gridResults(cells, attack),
    machine,
    version: attack,
    startedAt: attack,
    instructionSets: { [attack]: attack } as GridResults['instructionSets'],
  };
  const curve = exampleCurve('strong', 'heads', 0.02);
  const points = curve.points.map((point) => ({ ...point, phaseMs: { [attack]: 1 } }));
  const scaling = { ...scalingResults([{ ...curve, points }], attack), machine, instructionSet: attack };
  for (const results of [grid, scaling]) {
    const page = formatPage(results);
    t.is(page.match(/<script/g)?.length, 2, 'the page has its own two only');
    t.false(page.includes('<img'));
    t.false(page.includes('<!--'));
    t.deepEqual(readEmbedded(page), JSON.parse(JSON.stringify(results)));
    t.true(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img'));
  }
});

test('characters that XML has not are replaced', (t) => {
  const phase = 'a\u0000b\u0008c\ud800d\uffff';
  const curve = exampleCurve('strong', 'heads', 0.02);
  const points = curve.points.map((point) => ({ ...point, phaseMs: { [phase]: 1 } }));
  const svg = formatCharts(scalingResults([{ ...curve, points }])).get('time-strong-heads')!;
  t.true(svg.includes('data-series="a\ufffdb\ufffdc\ufffdd\ufffd"'));
});

test('noisy and missing cells are marked in the table and named in the notes', (t) => {
  const results = exampleGrid();
  const page = formatPage(results);
  const table = /<section id="table">[^]*?<\/section>/.exec(page)![0];
  const rows = table.match(/<tr class="unsure">[^\n]*/g) ?? [];
  const unsure = results.cells.filter((cell) => cell.status === 'unavailable' || cell.isNoisy);
  t.is(unsure.length, 4);
  t.is(rows.length, unsure.length);
  for (const [index, cell] of unsure.entries()) {
    t.true(rows[index]!.includes(nameOfCase(cell.case)));
    t.true(rows[index]!.includes(cell.status === 'unavailable' ? `~ unavailable</span>` : '~ noisy</span>'));
    if (cell.status === 'unavailable') {
      t.true(rows[index]!.endsWith(`>${cell.reason}</td></tr>`));
      t.true(page.includes(`<li>Unavailable: ${nameOfCase(cell.case)}. ${cell.reason}</li>`));
    }
  }
});

test('laws of growth stand below the lines, a row for each series', (t) => {
  const results = exampleGrid();
  const { growth, crossovers } = results.laws;
  t.true(growth.length > 3 && crossovers.length > 0);
  const section = /<section id="lines">[^]*?<\/section>/.exec(formatPage(results))![0];
  const rows = section.match(/<tr[^>]*><th scope="row".*?<\/tr>/g)!;
  t.is(rows.length, new Set(growth.map(({ name }) => name)).size);
  for (const { name, exponent, quantity, isNoisy } of growth) {
    const row = rows.find(
      (text) =>
        text.includes(`>${name}</th>`) || text.includes(`>${name} <span class="sign">~ noisy</span></th>`),
    )!;
    t.true(row.includes(`<td data-title="${quantity}">${exponent.toFixed(2)} `), `${name}: ${quantity}`);
    if (isNoisy) t.true(row.startsWith('<tr class="unsure">'));
  }
  t.is(
    section.match(
      /<td data-title="parts equal at">[\d,]+ <span class="muted">FLOP [\d,]+<\/span><\/td><\/tr>/g,
    )?.length,
    crossovers.length,
  );
});

test('a page of too few cells for a law has none', (t) => {
  t.false(formatPage(gridResults([measuredCell(exampleCase())])).includes('id="growth"'));
});

test('predicted points stand in the columns of measured ones, marked as predicted', (t) => {
  const results = exampleScaling();
  const beyond = results.curves.flatMap(({ predicted }) =>
    predicted.filter(({ isBeyondMachine }) => isBeyondMachine),
  );
  t.true(beyond.length > 0);
  const page = formatPage(results);
  const rows = page.match(/<tr class="unsure">.*?<\/tr>/g)!;
  t.is(rows.length, beyond.length);
  const [heading] = /<th scope="col">workers.*?<\/tr>/.exec(page)!;
  const titles = [...heading.matchAll(/<th[^>]*>([^<]*)</g)].map(([, title]) => title);
  for (const [index, { workers, ms, speedUp }] of beyond.entries()) {
    const cells = [...rows[index]!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell);
    t.is(cells[0], `${workers} <span class="sign">~ predicted</span>`);
    t.is(cells[titles.indexOf('median')], formatFigure(ms));
    t.is(cells[titles.indexOf('speed-up of pairs')], speedUp.toFixed(2));
    t.is(cells[titles.indexOf('efficiency')], formatShare(speedUp / workers));
  }
});

test('headline figures leave noisy cells out', (t) => {
  const quiet = measuredCell(exampleCase());
  const noisy = { ...measuredCell(exampleCase({ tokens: 1024 }), { isNoisy: true }), gflopPerSecond: 98_765 };
  const highest = (page: string) => /Highest rate<\/dt><dd class="figure">([^ ]+)/.exec(page)?.[1];
  t.is(highest(formatPage(gridResults([quiet, noisy]))), String(Math.round(quiet.gflopPerSecond)));
  t.is(highest(formatPage(gridResults([noisy]))), '98,765');
});

const small: readonly { readonly what: string; readonly results: Results; readonly says: string }[] = [
  { what: 'no cells', results: gridResults([]), says: 'nothing was measured' },
  {
    what: 'nothing but missing cells',
    results: gridResults([missingCell(exampleCase(), 'no compiler')]),
    says: 'no compiler',
  },
  { what: 'one cell', results: gridResults([measuredCell(exampleCase())]), says: '1 configuration' },
  { what: 'no curves', results: scalingResults([]), says: 'nothing was measured' },
  {
    what: 'a curve without points',
    results: scalingResults([
      {
        ...exampleCurve('weak', 'sequences', 0.01),
        ...{ points: [], predicted: [], amdahl: null, universal: null },
      },
    ]),
    says: 'Nothing was measured.',
  },
];

for (const { what, results, says } of small) {
  test(`${what}: the page says so`, (t) => {
    const page = formatPage(results);
    t.true(page.includes(says));
    const [body] = page.split('<script');
    t.notRegex(body!, /NaN|Infinity|undefined/);
  });
}
