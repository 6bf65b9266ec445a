// The charts of measured results hold exactly the figures of the results, whatever those are.
import test, { type ExecutionContext } from 'ava';
import type { Cell, GridResults, MeasuredCell } from '../../../src/measure/grid/results.js';
import type { ScalingCurve, ScalingResults } from '../../../src/measure/scaling/results.js';
import { formatFigure } from '../../../src/page/figures.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { bytesOfCase } from '../../../src/measure/report/charts/roofline.js';
import {
  exampleCase,
  exampleCurve,
  exampleGrid,
  exampleScaling,
  gridOfManyLines,
  gridResults,
  measuredCell,
  missingCell,
  scalingResults,
} from '../../helpers/bench-fixtures.js';
import { readMarks, readNumbers, sortMarks, type Mark } from '../../helpers/chart-marks.js';

type Results = GridResults | ScalingResults;

function chart(t: ExecutionContext, results: Results, name: string): string {
  const svg = formatCharts(results).get(name);
  t.not(svg, undefined, `${name} is among ${[...formatCharts(results).keys()].join(', ')}`);
  return svg ?? '';
}

/** That a chart's marks are these, in any order; series aside where `expected` has none. */
function holds(t: ExecutionContext, svg: string, expected: readonly Omit<Mark, 'series'>[]): void {
  const found = readMarks(svg).map(({ x, y }) => ({ x, y }));
  t.deepEqual(sortMarks(found), sortMarks(expected));
}

function cellsOf(results: GridResults, mode: string) {
  return results.cells.filter((cell) => cell.status === 'measured').filter((cell) => cell.case.mode === mode);
}

for (const mode of ['layer', 'attention', 'decode']) {
  test(`time and rate of mode ${mode} have a point for each measured cell`, (t) => {
    const results = exampleGrid();
    const cells = cellsOf(results, mode);
    t.true(cells.length > 0);
    const points = (y: (cell: (typeof cells)[number]) => number) =>
      cells.map((cell) => ({ x: cell.case.tokens, y: y(cell) }));
    holds(
      t,
      chart(t, results, `time-${mode}`),
      points((cell) => cell.ms.median),
    );
    holds(
      t,
      chart(t, results, `rate-${mode}`),
      points((cell) => cell.gflopPerSecond),
    );
  });
}

test('a line is what differs in more than tokens, and is named by that', (t) => {
  const results = exampleGrid();
  const names = (name: string) => [
    ...new Set(readMarks(chart(t, results, name)).map(({ series }) => series)),
  ];
  t.deepEqual(names('time-layer'), [
    '4 heads, native x8',
    '8 heads, native x8',
    '12 heads, native x8',
    '8 heads, wasm x8',
  ]);
  t.deepEqual(names('time-attention'), ['full', 'causal']);
  t.deepEqual(names('time-decode'), ['own keys, f32', 'own keys, f16', '2 key heads, f32']);
});

test('sizes that differ on their own are all in the names of lines', (t) => {
  const sizes = [
    { modelDim: 512, heads: 4, headDim: 128 },
    { modelDim: 512, heads: 8, headDim: 64 },
    { modelDim: 1024, heads: 8, headDim: 128 },
  ];
  const results = gridResults(sizes.map((size) => measuredCell(exampleCase(size))));
  t.deepEqual(
    readMarks(chart(t, results, 'time-layer')).map(({ series }) => series),
    ['modelDim 512, 4 heads', 'modelDim 512, 8 heads', 'modelDim 1024, 8 heads'],
  );
});

test('more lines than colours are several charts with the same axes, each of one value of a part', (t) => {
  const results = gridOfManyLines();
  const files = formatCharts(results);
  const names = [...files.keys()].filter((name) => name.startsWith('time-'));
  t.deepEqual(names, ['time-layer-modeldim-256', 'time-layer-modeldim-512', 'time-layer-modeldim-768']);
  const charts = names.map((name) => files.get(name)!);
  for (const svg of charts) {
    const series = new Set(readMarks(svg).map((mark) => mark.series));
    const colours = new Set(svg.match(/<g class="mark s\d"/g));
    t.deepEqual([series.size, colours.size], [6, 6]);
  }
  const gridOf = (svg: string) => svg.match(/class="grid" d="[^"]*"/g);
  t.is(new Set(charts.map((svg) => JSON.stringify(gridOf(svg)))).size, 1);
  const marks = charts.flatMap(readMarks).map(({ x, y }) => ({ x, y }));
  const points = cellsOf(results, 'layer').map((cell) => ({ x: cell.case.tokens, y: cell.ms.median }));
  t.deepEqual(sortMarks(marks), sortMarks(points));
  t.regex(charts[0]!, /aria-label="Layer: time of a call, modelDim 256"/);
  t.true(
    textsOf(charts[0]!).includes('4 heads, headDim 64, native x8'),
    'what the heading says is not said again',
  );
});

test('parts are split further where no single one leaves few enough lines', (t) => {
  const cells = [1, 2, 3, 4, 5].flatMap((batch) =>
    [false, true].flatMap((causal) =>
      [4, 8].flatMap((heads) =>
        [1, 2].map((threads) => measuredCell(exampleCase({ heads, causal, batch, threads, kernel: 'wasm' }))),
      ),
    ),
  );
  const charts = [...formatCharts(gridResults([...cells, ...cells.map(asF16)])).entries()];
  const lines = charts.filter(([name]) => name.startsWith('rate-')).map(([, svg]) => readMarks(svg));
  t.is(lines.flat().length, 80);
  for (const marks of lines) t.true(new Set(marks.map(({ series }) => series)).size <= 8);
});

function asF16(cell: MeasuredCell): MeasuredCell {
  return { ...cell, case: { ...cell.case, dtype: 'f16' } };
}

test('more roofs than colours are several charts', (t) => {
  const cells = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((threads) => measuredCell(exampleCase({ threads })));
  const files = formatCharts(gridResults(cells));
  const charts = [...files.entries()].filter(([name]) => name.startsWith('roofline'));
  t.deepEqual(
    charts.map(([name, svg]) => [name, readMarks(svg).length]),
    [
      ['roofline-native-x1-to-native-x8', 8],
      ['roofline-native-x9-to-native-x10', 2],
    ],
  );
});

test('an interval as wide as the world leaves the axis to the points', (t) => {
  const cells = [128, 512].map((tokens) => measuredCell(exampleCase({ tokens })));
  const wild = { ...cells[0]!, interval: { low: 1e-6, high: 1e6 } };
  const ticksOf = (svg: string) =>
    Math.max(
      ...textsOf(svg)
        .map((text) => Number(text.replace(/,/g, '')))
        .filter(Number.isFinite),
    );
  const svg = chart(t, gridResults([wild, cells[1]!]), 'time-layer');
  t.true(ticksOf(svg) < 1000, String(ticksOf(svg)));
  t.is(svg.match(/class="whisker"/g)?.length, 2);
});

function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
}

test('a heat map has the rate of each measured cell, a sign for missing ones, and a star for noisy ones', (t) => {
  const grid = exampleGrid();
  const results = {
    ...grid,
    cells: [...grid.cells, missingCell(exampleCase({ heads: 8, tokens: 64 }), 'why')],
  };
  const cells = cellsOf(results, 'layer').filter((cell) => cell.case.kernel === 'native');
  const svg = chart(t, results, 'heat-layer-native-x8');
  holds(
    t,
    svg,
    cells.map((cell) => ({ x: cell.case.tokens, y: cell.gflopPerSecond })),
  );
  t.is(svg.match(/n\/a/g)?.length, 1);
  t.true(svg.includes('<title>why</title>'));
  t.is(svg.match(/\d \*</g)?.length, cells.filter(({ isNoisy }) => isNoisy).length);
});

test('sizes that would share a place of a heat map get one each', (t) => {
  const cells = [512, 1024].flatMap((modelDim) =>
    [4, 8].flatMap((heads) =>
      [128, 256].map((tokens) =>
        measuredCell(exampleCase({ modelDim, heads, headDim: modelDim / heads, tokens })),
      ),
    ),
  );
  const charts = formatCharts(gridResults(cells));
  for (const name of ['heat-layer-native-x8', 'heat-layer-native-x8-2']) {
    t.is(readMarks(charts.get(name) ?? '').length, 4, name);
  }
});

test('a row or a column is no heat map', (t) => {
  const row = [128, 256, 512].map((tokens) => measuredCell(exampleCase({ tokens })));
  t.deepEqual([...formatCharts(gridResults(row)).keys()], ['time-layer', 'rate-layer', 'roofline']);
});

test('the roofline has each measured cell where its operations and bytes put it', (t) => {
  const results = exampleGrid();
  const cells = results.cells.filter((cell) => cell.status === 'measured');
  holds(
    t,
    chart(t, results, 'roofline'),
    cells.map((cell) => ({ x: cell.flop / bytesOfCase(cell.case), y: cell.gflopPerSecond })),
  );
});

test('bytes are inputs, weights, outputs and the attended cache, counted by hand', (t) => {
  const small = { heads: 2, headDim: 4, tokens: 10, batch: 3 } as const;
  const weights = 4 * (8 * 8 + 8 * 4 + 8 * 4 + 8 * 8);
  t.is(bytesOfCase(exampleCase({ ...small, kvHeads: 1 })), 3 * 10 * 8 * (4 + 4) + weights);
  t.is(
    bytesOfCase(exampleCase({ ...small, kvHeads: 1, mode: 'attention', dtype: 'f16' })),
    3 * 10 * (8 * 2 + 8 * 4 + 2 * 4 * 2),
  );
  t.is(
    bytesOfCase(exampleCase({ ...small, kvHeads: 1, mode: 'decode', dtype: 'bf16', window: 5 })),
    3 * (5 * 2 * 4 * 2 + 8 * 2 + 8 * 4) + weights,
  );
});

/** The lowest and highest place of the roofs' lines; y grows downwards. */
function roofsOf(svg: string): number[][] {
  return [...svg.matchAll(/class="line thin s\d" d="([^"]*)"/g)].map(([, path]) => readNumbers(path!));
}

test('without a cell that read memory, a roof is level', (t) => {
  const results = gridResults([measuredCell(exampleCase())]);
  const roofs = roofsOf(chart(t, results, 'roofline'));
  t.is(roofs.length, 1);
  const heights = roofs[0]!.filter((_, index) => index % 2 === 1);
  t.is(new Set(heights).size, 1);
  const both = gridResults([...results.cells, measuredCell(exampleCase({ mode: 'decode', tokens: 8192 }))]);
  const sloped = roofsOf(chart(t, both, 'roofline'))[0]!.filter((_, index) => index % 2 === 1);
  t.is(new Set(sloped).size, 2);
});

test('speed-up and efficiency have the measured and the predicted points', (t) => {
  const results = exampleScaling();
  for (const curve of results.curves) {
    const { points, predicted, kind, axis } = curve;
    holds(t, chart(t, results, `speed-up-${kind}-${axis}`), [
      ...points.map(({ workers, speedUp }) => ({ x: workers, y: speedUp })),
      ...predicted.map(({ workers, speedUp }) => ({ x: workers, y: speedUp })),
    ]);
    holds(t, chart(t, results, `efficiency-${kind}-${axis}`), [
      ...points.map(({ workers, efficiency }) => ({ x: workers, y: efficiency })),
      ...points.map(({ workers, peakEfficiency }) => ({ x: workers, y: peakEfficiency })),
      ...predicted.map(({ workers, speedUp }) => ({ x: workers, y: speedUp / workers })),
    ]);
  }
});

test('predicted points are hollow, measured ones are not', (t) => {
  const svg = chart(t, exampleScaling(), 'speed-up-strong-heads');
  const { points, predicted } = exampleScaling().curves[0]!;
  const hollow = svg.split('<g class="mark').slice(1);
  const isHollow = (mark: string) => mark.includes('dot hollow') && mark.includes('data-series="predicted"');
  t.is(hollow.filter(isHollow).length, predicted.length);
  t.is(
    hollow.filter((mark) => mark.includes('data-series="measured"') && !isHollow(mark)).length,
    points.length,
  );
});

test('above the parts of a call stands its median, as the table has it', (t) => {
  const curve = exampleCurve('strong', 'heads', 0.02);
  const points = curve.points.map((point) => ({ ...point, dispatchMs: 50 }));
  const svg = chart(t, scalingResults([{ ...curve, points }]), 'time-strong-heads');
  for (const { ms } of points) t.true(svg.includes(`>${formatFigure(ms.median)}</text>`));
});

test('the parts of a call add up to its phases and dispatch', (t) => {
  const results = exampleScaling();
  const curve = results.curves[0]!;
  const marks = readMarks(chart(t, results, 'time-strong-heads'));
  for (const { workers, phaseMs, dispatchMs, waitShare } of curve.points) {
    const own = marks.filter(({ x }) => x === workers);
    const phases = Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0);
    t.deepEqual(
      own.map(({ series }) => series),
      [...Object.keys(phaseMs), 'waiting', 'dispatch'],
    );
    const total = own.reduce((sum, { y }) => sum + y, 0);
    t.true(Math.abs(total / (phases + dispatchMs) - 1) < 1e-12);
    const waiting = own.find(({ series }) => series === 'waiting')!.y;
    t.true(Math.abs(waiting - phases * waitShare) <= 1e-12 * phases);
  }
});

const withoutPoints: ScalingCurve = {
  ...exampleCurve('strong', 'heads', 0.02),
  ...{ points: [], predicted: [], amdahl: null, universal: null },
};
const onePoint: ScalingCurve = {
  ...exampleCurve('strong', 'heads', 0.02),
  ...{ points: exampleCurve('strong', 'heads', 0.02).points.slice(0, 1), predicted: [] },
  ...{ amdahl: null, universal: null },
};

const small: readonly { readonly what: string; readonly results: Results; readonly charts: number }[] = [
  { what: 'no cells', results: gridResults([]), charts: 0 },
  { what: 'one cell', results: gridResults([measuredCell(exampleCase())]), charts: 3 },
  { what: 'nothing but missing cells', results: gridResults([missingCell(exampleCase(), 'x')]), charts: 0 },
  { what: 'no curves', results: scalingResults([]), charts: 0 },
  { what: 'a curve without points', results: scalingResults([withoutPoints]), charts: 0 },
  { what: 'a curve of one point', results: scalingResults([onePoint]), charts: 3 },
];

for (const { what, results, charts } of small) {
  test(`${what}: as many charts as there is something to draw, and no place is undefined`, (t) => {
    const files = formatCharts(results);
    t.is(files.size, charts);
    for (const [name, svg] of files) t.notRegex(svg, /NaN|Infinity|undefined/, name);
  });
}

test('zeros, nulls and what is not finite stay off logarithmic axes', (t) => {
  const cell = measuredCell(exampleCase());
  const broken = (change: object): Cell => ({ ...cell, ...change });
  const results = gridResults([
    broken({ gflopPerSecond: 0, ms: { ...cell.ms, median: 0 } }),
    broken({ gflopPerSecond: null, ms: { ...cell.ms, median: null } }),
    broken({ gflopPerSecond: Number.NaN, ms: { ...cell.ms, median: Number.POSITIVE_INFINITY } }),
    broken({ interval: { low: 0, high: Number.POSITIVE_INFINITY } }),
    broken({ flop: 0, rounds: [{ ms: [1], peak: 0, phaseMs: {} }] }),
  ]);
  const files = formatCharts(results);
  for (const [name, svg] of files) t.notRegex(svg, /NaN|Infinity|undefined/, name);
  t.is(readMarks(files.get('time-layer')!).length, 2);
  t.is(readMarks(files.get('rate-layer')!).length, 2);
  t.is(readMarks(files.get('roofline')!).length, 1);
});

test('each file is an SVG document of its own, with a title, a description and both themes', (t) => {
  for (const results of [exampleGrid(), exampleScaling()]) {
    for (const [name, svg] of formatCharts(results)) {
      t.regex(name, /^[a-z0-9-]+$/);
      t.regex(
        svg,
        /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]*role="img" aria-label="[^"]+">/,
        name,
      );
      t.regex(svg, /<title>[^<]+<\/title>\n<desc>[^<]+<\/desc>/, name);
      t.true(svg.includes('prefers-color-scheme: dark'), name);
      t.false(svg.includes('var(--'), name);
      t.deepEqual(svg.match(/https?:\/\/[^"]*/g), ['http://www.w3.org/2000/svg'], name);
    }
  }
});

test('curves of the same sort get files of their own', (t) => {
  const curve = exampleCurve('strong', 'heads', 0.02);
  const names = [...formatCharts(scalingResults([curve, curve])).keys()];
  t.true(names.includes('speed-up-strong-heads'));
  t.true(names.includes('speed-up-strong-heads-2'));
  t.is(names.length, 6);
});

test('names in results lead no file out of its folder, and are text in the chart', (t) => {
  const kernel = '../../<script>' as 'native';
  const cells = [4, 8].flatMap((heads) =>
    [128, 256].map((tokens) => {
      const cell = measuredCell(exampleCase({ heads, tokens }));
      return { ...cell, case: { ...cell.case, kernel } };
    }),
  );
  const files = formatCharts(gridResults(cells));
  t.is(files.size, 4);
  for (const [name, svg] of files) {
    t.regex(name, /^[a-z0-9-]+$/);
    t.false(svg.includes('<script'), name);
  }
});
