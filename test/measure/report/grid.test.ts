// A grid as CSV and as a table.
import test from 'ava';
import { formatGridCsv, formatGridTable } from '../../../src/measure/report/grid-table.js';
import { fitLaws } from '../../../src/measure/grid/growth.js';
import { formatDocument } from '../../../src/page/document.js';
import { describeGrid } from '../../../src/measure/report/grid-page.js';
import { gridResults, measuredCell } from '../grid/grid-case.js';

/** Lines of fields, as RFC 4180 has them. */
function parseCsv(text: string): string[][] {
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)]
        .slice(0, line.endsWith(',') ? undefined : -1)
        .map(([, field]) => (field!.startsWith('"') ? field!.slice(1, -1).replaceAll('""', '"') : field!)),
    );
}

test('a cell is a line, and every line has the fields of the header', (t) => {
  const [header, first, second, ...rest] = parseCsv(formatGridCsv(gridResults()));
  t.deepEqual(rest, []);
  t.is(new Set(header).size, header!.length);
  t.is(first!.length, header!.length);
  t.is(second!.length, header!.length);
  const field = (line: string[] | undefined, name: string): string => line![header!.indexOf(name)]!;
  t.is(field(first, 'name'), 'layer 32/4/12 reference x1');
  t.is(field(first, 'status'), 'measured');
  t.is(Number(field(first, 'medianMs')), measuredCell().ms.median);
  t.is(field(first, 'window'), '');
  t.is(field(first, 'isNoisy'), 'false');
  t.is(field(first, 'gigabytesPerSecond'), '');
  t.is(Number(field(first, 'attentionMs')), 1.05);
  t.is(Number(field(first, 'projectionsMs')), 0.8);
  t.is(field(first, 'reason'), '');
});

test('fields with commas and quotes are quoted', (t) => {
  const text = formatGridCsv(gridResults());
  t.true(text.endsWith(',"no ""SIMD"", sorry"\r\n'), text);
  const [header, , second] = parseCsv(text);
  t.is(second!.at(-1), 'no "SIMD", sorry');
  t.is(second![header!.indexOf('medianMs')], '');
});

test('a grid without cells is a header', (t) => {
  t.is(formatGridCsv(gridResults({ cells: [] })).split('\r\n').length, 2);
});

test('the table names the machine and has a line a cell', (t) => {
  const decode = measuredCell({ mode: 'decode', tokens: 4096 });
  const lines = formatGridTable(gridResults({ cells: [...gridResults().cells, decode] })).split('\n');
  t.is(lines[0], 'a grid: headpool 0.1.0, native (AVX2 + FMA), Node 20.19.0');
  t.regex(lines[1]!, /^a processor, 2 of 4 cores, 7\.5 GiB, linux/);
  t.regex(
    lines[3]!,
    /^cell +median ms +95 % +p90 +p99 +min +spread +tokens\/s +GFLOP\/s +peak +GB\/s +RSS +engine$/,
  );
  t.regex(
    lines[4]!,
    /^ {2}layer 32\/4\/12 reference x1 +2\.000 +1\.\d+…2\.\d+ +2\.\d+ .* 190\.7 MiB +4\.0 KiB$/,
  );
  t.regex(lines[5]!, /^ {2}decode 32\/4\/4096 reference x1 .* 0\.5 +190\.7 MiB/);
  t.true(lines.includes('  layer 32/4/12 wasm x1: not measured: no "SIMD", sorry'));
  t.false(lines.some((line) => line.startsWith('~')));
});

const device = { uploadMs: 0.25, computeMs: 1.5, readBackMs: 0.125, bufferBytes: 3 * 2 ** 20 };

test('what calls asked of a GPU has columns where a cell has one, and nowhere else', (t) => {
  const onGpu = gridResults({
    adapter: 'a GPU, driver 1 (Vulkan)',
    cells: [{ ...measuredCell({ kernel: 'wgsl' }), device }, measuredCell()],
  });
  const lines = formatGridTable(onGpu).split('\n');
  t.is(lines[2], 'GPU: a GPU, driver 1 (Vulkan)');
  t.regex(lines[4]!, / RSS +engine +upload +compute +read back +device$/);
  t.regex(lines[5]!, / 4\.0 KiB +0\.250 +1\.500 +0\.125 +3\.0 MiB$/);
  t.regex(lines[6]!, / 4\.0 KiB$/);
  const [header, first] = parseCsv(formatGridCsv(onGpu));
  t.is(first![header!.indexOf('computeMs')], '1.5');
  t.is(first![header!.indexOf('deviceBytes')], '3145728');
  const page = formatDocument(describeGrid(onGpu));
  t.true(page.includes('read back') && page.includes('a GPU, driver 1 (Vulkan)') && page.includes('3.0 MiB'));
  for (const text of [
    formatGridTable(gridResults()),
    formatGridCsv(gridResults()),
    formatDocument(describeGrid(gridResults())),
  ])
    t.notRegex(text, /upload|read ?back|GPU/i);
});

test('a noisy cell is marked, and the mark explained', (t) => {
  const text = formatGridTable(gridResults({ cells: [{ ...measuredCell(), isNoisy: true }] }));
  t.regex(text, /^~ layer 32\/4\/12 reference x1/m);
  t.regex(text, /^~ 1 noisy: the machine was busy/m);
});

test('laws stand below the table, and where the parts of a layer cost the same', (t) => {
  const cells = [8, 16, 32, 64].map((tokens) => {
    const cell = measuredCell({ tokens });
    const phaseMs = { project: 0.5 * tokens, output: 0.5 * tokens, attend: tokens ** 2 / 20 };
    return { ...cell, phaseMs, ms: { ...cell.ms, median: tokens }, isNoisy: tokens === 8 };
  });
  const lines = formatGridTable(gridResults({ cells, laws: fitLaws(cells) })).split('\n');
  const start = lines.findIndex((line) => line.startsWith('growth of'));
  t.is(lines[start - 1], '');
  t.regex(
    lines[start]!,
    /^growth of +from +to +time \/ FLOP +projections \/ FLOP +attention \/ FLOP +memory +equal at: by time \/ FLOP$/,
  );
  const exact = (exponent: string) => `${exponent} \\(${exponent}…${exponent}\\)`;
  const flop = ['1\\.\\d\\d', '1\\.00', '2\\.00'];
  const laws = ['1.00', '1.00', '2.00'].map((exponent, n) => `${exact(exponent)} / ${flop[n]}`);
  const figures = ['8 +64', ...laws, '20 / 64'].join(' +');
  t.regex(lines[start + 1]!, new RegExp(`^~ layer 32/4/tokens reference x1 +${figures}$`));
  t.regex(lines[start + 3]!, /^b of a·x\^b through the medians, by least squares on logarithms/);
});

test('without laws nothing is said of growth', (t) => {
  t.false(formatGridTable(gridResults()).includes('growth'));
});

test('a busy machine is said to be one at the head of text and page, and no share of the multiply-adds is above them', (t) => {
  const cells = [{ ...measuredCell(), peakShare: 52.81 }];
  const grid = gridResults({ cells, busy: ['it slept', 'it swapped'] });
  const says = 'The machine was busy: it slept; it swapped. These figures are not to be trusted.';
  const page = formatDocument(describeGrid(grid));
  t.is(formatGridTable(grid).split('\n')[2], says);
  t.true(page.split('</header>')[0]!.includes(says));
  for (const text of [formatGridTable(grid), formatGridCsv(grid), page.split('<script')[0]!])
    t.notRegex(text, /5,?281 %|52\.81/);
  t.notRegex(formatGridTable(gridResults()), /busy/);
});
