// The pages in a real browser: headless Chromium.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { comparePairs, type Comparison } from '../../../src/measure/grid/compare.js';
import type { GridResults } from '../../../src/measure/grid/results.js';
import type { ScalingResults } from '../../../src/measure/scaling/results.js';
import { gainOverPeak, signsInGrid, signsInScaling } from '../../../src/measure/busy.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { formatPage } from '../../../src/measure/report/page.js';
import { exampleGrid, exampleScaling, gridOfManyLines } from '../../helpers/bench-fixtures.js';
import { browserProblem, launchBrowser } from '../../helpers/browser.js';
import { measureLayout, type Layout } from '../../helpers/page-layout.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { testSeriallyUnless } from '../../helpers/skips.js';

type Results = GridResults | ScalingResults | Comparison;

const browserTest = testSeriallyUnless(browserProblem);

let browser: Browser | undefined;

test.before(async () => {
  if (browserProblem === undefined) browser = await launchBrowser();
});

test.after.always(async () => {
  await browser?.close();
});

interface View {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

/** The page of the results from a file, and everything that went wrong in it so far. */
async function open(
  t: ExecutionContext,
  results: Results,
  { width, colorScheme }: View,
): Promise<{ readonly page: Page; readonly problems: readonly string[] }> {
  const path = join(await makeFolder(t), 'report.html');
  await writeFile(path, formatPage(results));
  const page = await browser!.newPage({ viewport: { width, height: 900 }, colorScheme });
  t.teardown(() => page.close());
  const problems: string[] = [];
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
  page.on('request', (request) => {
    if (!/^(?:file|blob):/.test(request.url())) problems.push(`asked for: ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  return { page, problems };
}

/** How many points the JSON has, for the charts that count them once each. */
function countMarks(results: Results): number {
  if (results.benchmark === 'grid') {
    const cells = results.cells.filter((cell) => cell.status === 'measured');
    const mapped = cells.filter(({ case: { mode, kernel } }) => mode === 'layer' && kernel === 'native');
    return 3 * cells.length + mapped.length;
  }
  if (results.benchmark === 'comparison') return results.cells.filter(({ ratio }) => ratio !== null).length;
  return results.curves
    .map(({ points, predicted }) => {
      const parts = points.reduce((sum, { phaseMs }) => sum + Object.keys(phaseMs).length + 2, 0);
      const shares = points.filter((point) => gainOverPeak(point) !== null);
      return 2 * points.length + shares.length + 2 * predicted.length + parts;
    })
    .reduce((sum, count) => sum + count, 0);
}

const views = [1280, 390].flatMap((width): View[] => [
  { width, colorScheme: 'light' },
  { width, colorScheme: 'dark' },
]);

/** The same as a busy machine gives them: wild intervals, failed controls, signs. */
function busyGrid(): GridResults {
  const grid = exampleGrid();
  const cells = grid.cells.map((cell, index) => {
    if (cell.status === 'unavailable') return cell;
    const wild = { low: cell.interval.low / 1000, high: 3 * cell.interval.high };
    return { ...cell, isNoisy: index % 2 === 0, interval: index % 3 === 0 ? wild : cell.interval };
  });
  return { ...grid, title: 'A busy machine', cells, busy: signsInGrid(cells) };
}

function busyScaling(): ScalingResults {
  const scaling = exampleScaling();
  const curves = scaling.curves.map((curve) => ({
    ...curve,
    predicted: [],
    points: curve.points.map((point) => ({
      ...point,
      peakEfficiency: 52.81,
      speedUp: point.workers === 1 ? 1 : 0.4 * point.speedUp,
      speedUpInterval: { low: 0.05, high: 4 * point.speedUp },
    })),
  }));
  return { ...scaling, title: 'A busy machine scaled', curves, busy: signsInScaling(scaling.peaks, curves) };
}

/** Of a build that got slower, on a machine with two noisy cells. */
function comparison(): Comparison {
  const a = exampleGrid();
  const cells = a.cells.map((cell, index) => {
    if (cell.status === 'unavailable') return cell;
    const factor = 1 + 0.03 * (index % 5);
    return {
      ...cell,
      rounds: cell.rounds.map((round) => ({ ...round, ms: round.ms.map((ms) => factor * ms) })),
    };
  });
  return comparePairs([{ a, b: { ...a, version: '0.2.0', cells } }]);
}

const everything: readonly Results[] = [
  exampleGrid(),
  exampleScaling(),
  gridOfManyLines(),
  busyGrid(),
  busyScaling(),
  comparison(),
];

for (const view of views) {
  for (const results of everything) {
    const { width, colorScheme } = view;
    const machine = results.busy.length > 0 ? 'busy' : 'quiet';
    const { benchmark, title: what } = results;
    const title = `a page of ${benchmark} results, ${what}, of a ${machine} machine at ${width} pixels, ${colorScheme}, has all its points and no fault`;
    browserTest(title, async (t) => {
      const { page, problems } = await open(t, results, view);
      const layout = await page.evaluate<Layout>(measureLayout);
      t.is(layout.marks, countMarks(results));
      t.is(layout.charts, formatCharts(results).size);
      t.deepEqual(layout.overlaps, [], 'labels of charts on each other');
      t.true(layout.smallest >= 11, `text of ${layout.smallest} pixels`);
      t.true(layout.smallestText >= 11, `text of ${layout.smallestText} pixels`);
      t.true(layout.overflow <= 0, `${layout.overflow} pixels too wide`);
      t.deepEqual(layout.spread, [], 'wider than the page');
      t.deepEqual(layout.outside, [], 'marks outside their plot');
      t.deepEqual(layout.crossed, [], 'text on a line');
      t.true(layout.mostLines <= 8, `${layout.mostLines} lines in a chart`);
      t.is(layout.alike, 0, 'lines that look alike');
      t.deepEqual(layout.faint, [], 'text without contrast');
      t.is(layout.hidden, 0, 'exponents out of sight');
      t.is(layout.page, colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 27)');
      t.is(layout.bare, 0, 'marks without a colour');
      t.deepEqual(problems, []);
    });
  }
}

/** The column as it stands, and the direction that its heading tells. */
async function readColumn(page: Page, heading: string): Promise<{ values: string[]; sort: string | null }> {
  const column = await page.evaluate<number>(
    `[...document.querySelectorAll('table.sortable thead th')].findIndex((th) => th.textContent === ${JSON.stringify(heading)})`,
  );
  const values = await page.evaluate<string[]>(
    `[...document.querySelectorAll('table.sortable tbody tr')].map((row) => row.cells[${column}].dataset.value ?? '')`,
  );
  const sort = await page.locator('table.sortable thead th').nth(column).getAttribute('aria-sort');
  return { values, sort };
}

function sorted(values: readonly string[], direction: 1 | -1): string[] {
  const filled = values.filter((value) => value !== '');
  filled.sort((a, b) => direction * (Number(a) - Number(b)));
  return [...filled, ...values.filter((value) => value === '')];
}

browserTest('pressing a heading sorts its column up, then down', async (t) => {
  const { page, problems } = await open(t, exampleGrid(), { width: 1280, colorScheme: 'light' });
  const before = await readColumn(page, 'GFLOP/s');
  t.is(before.sort, null);
  const button = page.getByRole('button', { name: 'GFLOP/s', exact: true });
  await button.click();
  const up = await readColumn(page, 'GFLOP/s');
  t.deepEqual(up, { values: sorted(before.values, 1), sort: 'ascending' });
  t.notDeepEqual(up.values, before.values);
  await button.click();
  t.deepEqual(await readColumn(page, 'GFLOP/s'), { values: sorted(before.values, -1), sort: 'descending' });
  t.is(up.values.at(-1), '', 'what was not measured stays at the end');
  t.deepEqual(problems, []);
});

browserTest('the keyboard sorts as well, and one heading at a time says so', async (t) => {
  const { page, problems } = await open(t, exampleGrid(), { width: 390, colorScheme: 'dark' });
  const before = await readColumn(page, 'tokens');
  await page.getByRole('button', { name: 'configuration', exact: true }).focus();
  await page.keyboard.press('Enter');
  t.is((await readColumn(page, 'configuration')).sort, 'ascending');
  // 'median' is next, 'tokens' some headings further.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  t.is((await readColumn(page, 'median')).sort, 'ascending');
  t.is((await readColumn(page, 'configuration')).sort, null);
  await page.getByRole('button', { name: 'tokens', exact: true }).focus();
  await page.keyboard.press('Enter');
  t.deepEqual(await readColumn(page, 'tokens'), { values: sorted(before.values, 1), sort: 'ascending' });
  t.deepEqual(problems, []);
});

browserTest(
  'on a phone the first column stays in sight, and what scrolls has a shade at its edge',
  async (t) => {
    for (const results of [exampleGrid(), exampleScaling(), comparison()]) {
      const { page } = await open(t, results, { width: 390, colorScheme: 'light' });
      const found = await page.evaluate<{
        wide: number;
        kept: number;
        shaded: number;
        shares: number[];
      }>(`(() => {
      const wide = [...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth + 1);
      for (const box of wide) box.scrollLeft = box.scrollWidth;
      const firsts = wide.map((box) => box.querySelector('tbody th').getBoundingClientRect());
      return {
        wide: wide.length,
        kept: firsts.filter(({ left }, index) => Math.abs(left - wide[index].getBoundingClientRect().left) < 2).length,
        shaded: wide.filter((box) => getComputedStyle(box).backgroundImage.includes('gradient')).length,
        shares: firsts.map(({ width }) => width / innerWidth),
      };
    })()`);
      t.true(found.wide > 0, results.benchmark);
      t.deepEqual([found.kept, found.shaded], [found.wide, found.wide]);
      for (const share of found.shares) t.true(share < 0.5, `a column of ${share} of the page`);
    }
  },
);

browserTest('the results can be saved as they are', async (t) => {
  const results = exampleScaling();
  const { page, problems } = await open(t, results, { width: 1280, colorScheme: 'light' });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Save the results as JSON' }).click(),
  ]);
  t.is(download.suggestedFilename(), 'scaling-of-a-layer-from-one-to-eight-workers.json');
  const saved: unknown = JSON.parse(await readFile(await download.path(), 'utf8'));
  t.deepEqual(saved, JSON.parse(JSON.stringify(results)));
  t.deepEqual(problems, []);
});

browserTest('markup in results runs nothing and loads nothing', async (t) => {
  const attack = `<script>document.title = 'owned'</script><img src=x onerror="document.title = 'owned'">`;
  const results = { ...exampleGrid(), title: attack };
  const { page, problems } = await open(t, results, { width: 1280, colorScheme: 'light' });
  t.is(await page.title(), attack);
  t.is(await page.locator('h1').textContent(), attack);
  t.deepEqual(problems, []);
});
