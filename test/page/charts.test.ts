// The forms of charts, with figures of anything.
import test from 'ava';
import type { Chart, ChartText } from '../../src/page/charts/chart.js';
import { drawHeatMap } from '../../src/page/charts/heat-map.js';
import { drawLineChart } from '../../src/page/charts/line-chart.js';
import { styleOf } from '../../src/page/charts/marks.js';
import { xRange, yRange } from '../../src/page/charts/plot.js';
import { linearAxis, logAxis } from '../../src/page/charts/scales.js';
import { drawShareBars } from '../../src/page/charts/share-bars.js';
import { readMarks, readNumbers } from '../helpers/chart-marks.js';

const about: ChartText = { name: 'n', title: 'T', heading: 'H', caption: '', description: 'D' };

function textsOf({ drawing }: Chart): string[] {
  return [...drawing.text.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
}

test('a line chart has a mark for each point, and a legend of series, further entries and guides', (t) => {
  const points = [1, 2, 4].map((x) => ({ x, y: 10 * x, tooltip: `at ${x}` }));
  const axis = { title: 'x', format: String };
  const chart = drawLineChart({
    about,
    x: { ...axis, axis: linearAxis([4], xRange) },
    y: { ...axis, axis: linearAxis([40], yRange) },
    series: [
      { name: 'apples', style: styleOf(0), points },
      { name: 'none', style: styleOf(1), points: [] },
    ],
    guides: [{ name: 'guide', className: 'neutral', line: points }],
  });
  t.deepEqual(
    readMarks(chart.drawing.text),
    points.map(({ x, y }) => ({ series: 'apples', x, y })),
  );
  t.deepEqual(textsOf(chart).slice(-2), ['apples', 'guide']);
  t.true(chart.drawing.text.includes('<title>at 4</title>'));
});

test('a heat map has rows from the bottom up, a star for unsure figures and a sign for missing ones', (t) => {
  const cells = [
    { row: 1, column: 16, value: 5, tooltip: 'low' },
    { row: 1, column: 32, value: 50, tooltip: 'high', isUnsure: true },
    { row: 2, column: 16, value: null, tooltip: 'lost' },
  ];
  const columns = { title: 'columns', format: (value: number) => `c${value}` };
  const chart = drawHeatMap({ about, rows: { title: 'rows' }, columns, cells, unit: 'u', unsure: 'shaky' });
  t.deepEqual(readMarks(chart.drawing.text), [
    { series: '1', x: 16, y: 5 },
    { series: '1', x: 32, y: 50 },
  ]);
  const texts = [
    'rows',
    '2',
    '1',
    '5.00',
    '50.0 *',
    'n/a',
    'c16',
    'c32',
    'columns',
    '5.00 to 50.0 u, * shaky',
  ];
  t.deepEqual(textsOf(chart), texts);
  t.true(chart.drawing.text.includes('<title>lost</title>'));
});

test('bars are cut into the shares of their parts, and what a bar lacks is 0', (t) => {
  const chart = drawShareBars({
    about,
    xTitle: 'x',
    yTitle: 'y',
    bars: [
      { x: 1, label: 'four', total: 4, parts: new Map(Object.entries({ a: 1, b: 3 })) },
      { x: 2, label: 'two', total: 2, parts: new Map(Object.entries({ a: 2 })) },
    ],
    parts: [
      { name: 'a', className: 's0' },
      { name: 'b', className: 's1' },
    ],
    tooltipOf: ({ label }, name, share) => `${name} of ${label}: ${share}`,
  });
  t.deepEqual(
    readMarks(chart.drawing.text).map(({ series, x, y }) => [series, x, y]),
    [
      ['a', 1, 1],
      ['a', 2, 2],
      ['b', 1, 3],
      ['b', 2, 0],
    ],
  );
  t.true(chart.drawing.text.includes('<title>b of four: 0.75</title>'));
});

/** The paths of the whiskers of one point at 10 with these intervals, on an axis from 0 to 20 or a logarithmic one. */
function whiskersOf(intervals: readonly { low: number; high: number }[], isLog = false): number[][] {
  const x = { axis: linearAxis([4], xRange), title: 'x', format: String };
  const axis = isLog ? logAxis([10], yRange) : linearAxis([20], yRange);
  const points = intervals.map((interval, index) => ({ x: index, y: 10, interval, tooltip: '' }));
  const series = [{ name: 'apples', style: styleOf(0), points }];
  const { drawing } = drawLineChart({ about, x, y: { axis, title: 'y', format: String }, series });
  return [...drawing.text.matchAll(/class="whisker" d="([^"]*)"/g)].map(([, path]) => readNumbers(path!));
}

test('an interval that leaves its axis is drawn as far as that goes, with an arrow where it goes on', (t) => {
  const [bottom, top] = yRange;
  const middle = (bottom + top) / 2;
  const [inside, above, below, both] = whiskersOf([
    { low: 5, high: 15 },
    { low: 10, high: 1000 },
    { low: -50, high: 10 },
    { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  ]);
  const heights = (path: number[] | undefined) => path!.slice(1, 3);
  const quarter = (bottom - top) / 4;
  t.deepEqual(heights(inside), [bottom - quarter, top + quarter]);
  t.deepEqual(heights(above), [middle, top]);
  t.deepEqual(heights(below), [bottom, middle]);
  t.deepEqual(heights(both), [bottom, top]);
  // The ends: a cap is level, an arrow points to where the interval goes on.
  const slopes = (path: number[] | undefined) => [path![4]! - path![6]!, path![10]! - path![12]!];
  t.deepEqual(slopes(inside), [0, 0]);
  t.deepEqual(slopes(above), [0, 4]);
  t.deepEqual(slopes(below), [-4, 0]);
  t.deepEqual(slopes(both), [-4, 4]);
});

test('an interval down to 0 has a place on a logarithmic axis, one that is no range has none', (t) => {
  const [bottom, top] = yRange;
  const [path, ...rest] = whiskersOf(
    [
      { low: 0, high: Number.POSITIVE_INFINITY },
      { low: Number.NaN, high: Number.NaN },
    ],
    true,
  );
  t.deepEqual(path!.slice(1, 3), [bottom, top]);
  t.deepEqual(rest, []);
});
