// The forms of charts, with figures of anything.
import test from 'ava';
import type { Chart, ChartText } from '../../src/page/charts/chart.js';
import { drawHeatMap } from '../../src/page/charts/heat-map.js';
import { drawLineChart } from '../../src/page/charts/line-chart.js';
import { styleOf } from '../../src/page/charts/marks.js';
import { xRange, yRange } from '../../src/page/charts/plot.js';
import { linearAxis } from '../../src/page/charts/scales.js';
import { drawShareBars } from '../../src/page/charts/share-bars.js';
import { readMarks } from '../helpers/chart-marks.js';

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
  const chart = drawHeatMap({ about, rows: { title: 'rows' }, columns, cells, unit: 'u' });
  t.deepEqual(readMarks(chart.drawing.text), [
    { series: '1', x: 16, y: 5 },
    { series: '1', x: 32, y: 50 },
  ]);
  const texts = ['rows', '2', '1', '5.00', '50.0 *', 'n/a', 'c16', 'c32', 'columns', '5.00 to 50.0 u'];
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
