// The pages in a real browser: headless Chromium.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import type { GridResults } from '../../../src/measure/grid/results.js';
import type { ScalingResults } from '../../../src/measure/scaling/results.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { formatPage } from '../../../src/measure/report/page.js';
import { exampleGrid, exampleScaling } from '../../helpers/bench-fixtures.js';
import { browserProblem, launchBrowser } from '../../helpers/browser.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { testSeriallyUnless } from '../../helpers/skips.js';

type Results = GridResults | ScalingResults;

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
  return results.curves
    .map(({ points, predicted }) => {
      const parts = points.reduce((sum, { phaseMs }) => sum + Object.keys(phaseMs).length + 2, 0);
      return 3 * points.length + 2 * predicted.length + parts;
    })
    .reduce((sum, count) => sum + count, 0);
}

/** Numbers that need a browser's layout; run there, as text, because these tests know no DOM types. */
const measureLayout = `(() => {
  const charts = [...document.querySelectorAll('svg.chart')];
  const overlaps = charts.flatMap((chart) => {
    const boxes = [...chart.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
    return boxes.flatMap(([text, a], index) => boxes.slice(0, index)
      .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
      .map(([other]) => chart.dataset.chart + ': ' + text + ' on ' + other));
  });
  const sizes = charts.flatMap((chart) => [...chart.querySelectorAll('text')].map((text) =>
    parseFloat(getComputedStyle(text).fontSize) * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width));
  return {
    marks: [...document.querySelectorAll('.mark')].filter((mark) => mark.checkVisibility()).length,
    charts: charts.length,
    overlaps,
    smallest: Math.min(...sizes),
    overflow: document.documentElement.scrollWidth - innerWidth,
    page: getComputedStyle(document.body).backgroundColor,
    bare: [...document.querySelectorAll('.line, .dot, .bar, .mark rect')].filter((mark) => {
      const { fill, stroke } = getComputedStyle(mark);
      return fill === 'none' && stroke === 'none';
    }).length,
  };
})()`;

interface Layout {
  readonly marks: number;
  readonly charts: number;
  readonly overlaps: readonly string[];
  readonly smallest: number;
  readonly overflow: number;
  readonly page: string;
  readonly bare: number;
}

const views = [1280, 390].flatMap((width): View[] => [
  { width, colorScheme: 'light' },
  { width, colorScheme: 'dark' },
]);

for (const view of views) {
  for (const results of [exampleGrid(), exampleScaling()]) {
    const { width, colorScheme } = view;
    const title = `a page of ${results.benchmark} results at ${width} pixels, ${colorScheme}, has all its points and no fault`;
    browserTest(title, async (t) => {
      const { page, problems } = await open(t, results, view);
      const layout = await page.evaluate<Layout>(measureLayout);
      t.is(layout.marks, countMarks(results));
      t.is(layout.charts, formatCharts(results).size);
      t.deepEqual(layout.overlaps, [], 'labels of charts on each other');
      t.true(layout.smallest >= 11, `text of ${layout.smallest} pixels`);
      t.true(layout.overflow <= 0, `${layout.overflow} pixels too wide`);
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
