// A comparison as people read it.
import test from 'ava';
import type { ComparedCell, Comparison } from '../../../src/measure/grid/compare.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { formatComparison, formatComparisonCsv } from '../../../src/measure/report/comparison-table.js';
import { formatPage } from '../../../src/measure/report/page.js';
import { readMarks } from '../../helpers/chart-marks.js';
import { madeCase } from '../../helpers/grid-results.js';

const made = (name: string, changes: Partial<ComparedCell> = {}): ComparedCell => ({
  ...{ name, case: madeCase(), a: 10, b: 10, ratio: 1, verdict: 'same', mark: null },
  interval: { low: 0.95, high: 1.05 },
  ...changes,
});
const slower = made('worse', { b: 12, ratio: 1.2, interval: { low: 1.1, high: 1.3 }, verdict: 'slower' });
const faster = made('better', { b: 8, ratio: 0.8, interval: { low: 0.7, high: 0.9 }, verdict: 'faster' });
const noisy = made('shaky', {
  b: 1234.4,
  ratio: 123,
  interval: { low: 0.001, high: 15000 },
  verdict: null,
  mark: 'noisy',
});
const gone = made('gone', { b: null, ratio: null, interval: null, verdict: null, mark: 'unavailable' });

const compare = (changes: Partial<Comparison> = {}): Comparison => ({
  ...{
    benchmark: 'comparison',
    title: 'T',
    busy: [],
    pairs: 1,
    machineDiffers: [],
    onlyInA: [],
    onlyInB: [],
    cells: [],
  },
  versions: { a: '0.1.0', b: '0.2.0' },
  overall: { ratio: 1.1, interval: { low: 1.08, high: 1.12 }, verdict: 'slower' },
  ...changes,
});
const linesOf = (changes: Partial<Comparison>): string[] => formatComparison(compare(changes)).split('\n');

test('the worst cell comes first, what has no verdict last, and noisy figures stand in brackets', (t) => {
  t.deepEqual(linesOf({ cells: [gone, faster, noisy, made('equal'), slower] }), [
    'A: headpool 0.1.0, B: headpool 0.2.0',
    'cell    A ms   B ms        B/A            interval  verdict',
    'worse   10.0   12.0      1.20x        [1.10, 1.30]  slower',
    'equal   10.0   10.0      1.00x        [0.95, 1.05]  same',
    'better  10.0   8.00      0.80x        [0.70, 0.90]  faster',
    'shaky   10.0  1,234  (123.00x)  ([0.0010, 1.5e+4])  noisy',
    'gone    10.0                                        unavailable in B',
    'ms: as measured; B/A: of the time x multiply-add peak of each round',
    'faster: 1, slower: 1 of 3 cells, overall 1.10x [1.08, 1.12] slower, 2 without a verdict',
  ]);
});

test('the summary says how many cells are slower', (t) => {
  t.is(
    linesOf({ cells: [slower, made('equal')] }).at(-1),
    'slower: 1 of 2 cells, overall 1.10x [1.08, 1.12] slower',
  );
});

test('without cells to compare there is no table and no overall figure', (t) => {
  const overall = { ratio: null, interval: null, verdict: null };
  t.deepEqual(linesOf({ overall }), [
    'A: headpool 0.1.0, B: headpool 0.2.0',
    'slower: 0 of 0 cells, overall none',
  ]);
});

test('what is in one file only is listed', (t) => {
  const [one, two] = ['one', 'two'].map((name) => ({ name, case: madeCase() }));
  const lines = linesOf({ onlyInA: [one!, two!], onlyInB: [two!] });
  t.true(lines.includes('only in A: one, two'));
  t.true(lines.includes('only in B: two'));
});

test('another machine is warned about, with what differs', (t) => {
  const machineDiffers = [
    { field: 'node', a: '20.19.0', b: '22.1.0' },
    { field: 'cores', a: 2, b: null },
  ];
  t.deepEqual(linesOf({ machineDiffers }).slice(1, 4), [
    'Warning: A and B were not measured on the same machine and Node.js; they differ in',
    '  node: 20.19.0 in A, 22.1.0 in B',
    '  cores: 2 in A, - in B',
  ]);
});

test('a bound that excludes 1 does not look like 1', (t) => {
  const close = made('close', { ratio: 1.01, interval: { low: 1.002, high: 1.018 }, verdict: 'slower' });
  t.true(linesOf({ cells: [close] })[2]!.includes('1.01x  [1.002, 1.02]'));
});

test('a cell that neither file could measure, and one of a single round, say so', (t) => {
  const neither = made('neither', { ...gone, name: 'neither', a: null });
  const single = made('single', { interval: null, verdict: null, mark: 'few rounds' });
  const [first, second] = linesOf({ cells: [neither, single] }).slice(2);
  t.regex(first!, /^single .* 1\.00x +few rounds$/);
  t.regex(second!, /^neither .* unavailable$/);
});

test('how many pairs of files there are is told', (t) => {
  const last = (changes: Partial<Comparison>): string => linesOf({ cells: [slower], ...changes }).at(-2)!;
  t.regex(last({ pairs: 5 }), /each round, over 5 pairs of files$/);
  t.notRegex(last({}), /pairs/);
});

test('where no cell has a verdict, nothing could be decided', (t) => {
  const overall = { ratio: null, interval: null, verdict: null };
  t.is(
    linesOf({ cells: [noisy, gone], overall }).at(-1),
    'nothing could be decided: 2 cells without a verdict',
  );
  t.is(linesOf({ cells: [noisy], overall }).at(-1), 'nothing could be decided: 1 cell without a verdict');
});

test('files of a busy machine are said to be some', (t) => {
  t.is(
    linesOf({ cells: [slower], busy: ['A: it slept'] })[1],
    'The machine was busy: A: it slept. These figures are not to be trusted.',
  );
});

test('values have the exact ratios, and why there is none', (t) => {
  const [header, first, second] = formatComparisonCsv(compare({ cells: [slower, noisy] })).split('\r\n');
  t.is(header, 'name,aMs,bMs,ratio,low,high,verdict,mark');
  t.is(first, 'worse,10,12,1.2,1.1,1.3,slower,');
  t.is(second, 'shaky,10,1234.4,123,0.001,15000,,noisy');
});

test('the page has a point for each ratio, the worst first, and a mark for what has no verdict', (t) => {
  const page = formatPage(compare({ cells: [gone, faster, noisy, made('equal'), slower] }));
  t.deepEqual(readMarks(page), [
    { series: 'worse', x: 1.2, y: 1.2 },
    { series: 'equal', x: 1, y: 1 },
    { series: 'better', x: 0.8, y: 0.8 },
    { series: 'shaky', x: 123, y: 123 },
  ]);
  t.is(page.match(/class="whisker"/g)?.length, 4);
  t.is(page.match(/<span class="sign">~ noisy<\/span>/g)?.length, 2, 'in its row and in the key');
  t.is(page.match(/<span class="sign">~ undecided<\/span>/g)?.length, 2);
  t.regex(page, /<h1>B against A: T<\/h1>/);
});

test('many cells are several charts with the same axis', (t) => {
  const cells = Array.from({ length: 40 }, (_, n) => made(`cell ${n}`, { ratio: 1 + n / 100 }));
  const charts = [...formatCharts(compare({ cells })).values()];
  t.deepEqual(
    charts.map((svg) => readMarks(svg).length),
    [16, 16, 8],
  );
  const columns = charts.map((svg) => /class="grid" d="([^"]*)"/.exec(svg)![1]!.replace(/V\d+/g, ''));
  t.is(new Set(columns).size, 1);
});

test('a comparison without a ratio is a page without a chart', (t) => {
  const overall = { ratio: null, interval: null, verdict: null };
  const page = formatPage(compare({ cells: [gone], overall }));
  t.false(page.includes('<svg'));
  t.true(page.includes('nothing could be decided'));
  t.notRegex(page.split('<script')[0]!, /NaN|undefined|null/);
});
