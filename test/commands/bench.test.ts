// headpool bench as a process: a tiny grid, its files, and what is refused before anything is measured.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseResults } from '../../src/measure/stored-results.js';
import type { GridResults, MeasuredCell } from '../../src/measure/grid/results.js';
import { gridResults, measuredCell } from '../measure/grid/grid-case.js';
import { makeFolder } from '../helpers/make-folder.js';
import { headpool, run, start } from '../helpers/command.js';
import { gpuTest, softwareGpu } from '../helpers/software-gpu.js';

const tiny = ['--heads', '2', '--model-dim', '16', '--seconds', '0.1', '--rounds', '2', '--kernel', 'wasm'];

test('a tiny grid gives results that parse, as JSON and as CSV', async (t) => {
  const folder = await makeFolder(t);
  const [output, csv] = [join(folder, 'new', 'r.json'), join(folder, 'r.csv')];
  const given = [
    '--tokens',
    '4,8',
    '--threads',
    '1',
    '--title',
    'two cells',
    '--output',
    output,
    '--csv',
    csv,
  ];
  const { code, stdout, stderr } = await headpool('bench', ...tiny, ...given, '--json');
  t.is(code, 0, stderr);
  const results = parseResults(stdout, 'stdout') as GridResults;
  t.like(results, { benchmark: 'grid', title: 'two cells' });
  t.deepEqual(
    results.cells.map((cell) => [cell.status, cell.case.tokens, cell.case.modelDim]),
    [
      ['measured', 4, 16],
      ['measured', 8, 16],
    ],
  );
  for (const cell of results.cells) {
    if (cell.status !== 'measured') continue;
    t.is(cell.rounds.length, cell.isNoisy ? 4 : 2);
    t.true(cell.error < 1e-4);
    t.true(cell.workingBytes > 0);
  }
  t.deepEqual(JSON.parse(await readFile(output, 'utf8')), results);
  t.is((await readFile(csv, 'utf8')).split('\r\n').length, 4);
  t.deepEqual((await readdir(folder)).sort(), ['new', 'r.csv']);
  t.regex(stderr, /headpool: 2 cells, about/);
});

test('settings come from a file, and the table marks what is not there', async (t) => {
  const config = join(await makeFolder(t), 'bench.yaml');
  await writeFile(config, 'mode: [decode]\ntokens: [16]\nkvHeads: [1, 3]\nthreads: [1]\ndtype: [f16]\n');
  const { code, stdout, stderr } = await headpool('bench', '--config', config, ...tiny);
  t.is(code, 0, stderr);
  t.regex(stdout, /^[ ~] decode 16\/2:1\/16 f16 wasm x1 /m);
  t.regex(stderr, /kvHeads 3 is left out for 2 heads/);
});

test('bars end with PASS or MISS, and one that is missed with exit code 1', async (t) => {
  const grid = ['--tokens', '32', '--threads', '1', '--mode', 'attention,decode', '--options'];
  const met = ['mode=decode GB/s >= 0.0001', 'options=weights ms <= 1000 of options=none'];
  const { code, stdout, stderr } = await headpool(
    'bench',
    ...tiny,
    ...grid,
    'none,weights',
    '--bars',
    ...met,
  );
  t.is(code, 0, stderr);
  t.is(stdout.match(/^PASS {2}/gm)?.length, 4);
  t.regex(stdout, /^PASS {2}attention 16\/2\/32 weights wasm x1, ms of attention 16\/2\/32 wasm x1: /m);
  const bars = ['--bars', 'options=none ms <= 0.000001', 'options=sinks ms <= 1'];
  const missed = await headpool('bench', ...tiny, ...grid, 'none', '--json', ...bars);
  t.is(missed.code, 1, missed.stderr);
  t.regex(missed.stderr, /headpool: no cells for the bar `options=sinks ms <= 1`/);
  const results = parseResults(missed.stdout, 'stdout') as GridResults;
  t.deepEqual(
    results.bars?.map(({ wanted, isMet }) => [wanted, isMet]),
    [
      ['<= 0.000001', false],
      ['<= 0.000001', false],
    ],
  );
});

test('three lengths give laws, in the table, the JSON and the page', async (t) => {
  const folder = await makeFolder(t);
  const [output, html] = [join(folder, 'r.json'), join(folder, 'r.html')];
  const files = ['--output', output, '--html', html];
  const { code, stdout, stderr } = await headpool('bench', ...tiny, '--tokens', '16,64,128', ...files);
  t.is(code, 0, stderr);
  t.regex(stdout, /^growth of +from +to +time \/ FLOP /m);
  t.regex(stdout, /^[ ~] layer 16\/2\/tokens wasm x\d+ +16 +128 +-?\d\.\d\d \/ 1\.57 /m);
  const { laws } = parseResults(await readFile(output, 'utf8'), output) as GridResults;
  t.deepEqual(
    laws.growth.map(({ axis, quantity }) => [axis, quantity]),
    ['time', 'projections', 'attention', 'memory'].map((quantity) => ['tokens', quantity]),
  );
  t.true((await readFile(html, 'utf8')).includes('<div class="scroll" id="growth"'));
});

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: async (t: ExecutionContext, args: readonly string[], code: number, says: RegExp) => {
    const result = await headpool('bench', ...args);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, says);
    t.is(result.stdout, '');
  },
});

test(
  'an unknown mode',
  refuses,
  ['--mode', 'layr'],
  2,
  /layer, attention, decode for `--mode`.*did you mean `layer`/,
);
test('an unknown kernel', refuses, ['--kernel', 'wasm,nativ'], 2, /`--kernel`.*did you mean `native`/);
test('an unknown dtype', refuses, ['--dtype', 'f23'], 2, /f32, f16, bf16 for `--dtype`.*did you mean `f32`/);
test('an unknown flag', refuses, ['--tokns', '4'], 2, /`--tokns`; did you mean `--tokens`/);
test('no tokens', refuses, ['--tokens', '0'], 2, /integers from 1 to \d+ for `--tokens`, got `\[0\]`/);
test('text for a count', refuses, ['--heads', '8,many'], 2, /integers from 1 to \d+ for `--heads`/);
test(
  'both widths',
  refuses,
  ['--head-dim', '8', '--model-dim', '16'],
  2,
  /`--model-dim` and `--head-dim` can't be used together/,
);
test('heads that divide no width', refuses, ['--heads', '7'], 2, /modelDim 512 is left out for 7 heads/);
test(
  'a grid that takes too long',
  refuses,
  ['--tokens', '64,1000000', '--kernel', 'wasm'],
  2,
  /`maxMinutes`.* hours: leave out tokens 1000000 \(1 cell\), or allow more/,
);
test(
  'a grid that takes too much memory',
  refuses,
  // However slow a busy machine makes the estimate.
  ['--tokens', '64,4096', '--max-memory', '20MB', '--kernel', 'wasm', '--max-minutes', '10000'],
  1,
  /`maxMemory`.*`layer 512\/8\/4096 wasm x\d+` about .*: leave out tokens 4096 \(1 cell\), or allow more/,
);
test('an output that is a folder', refuses, [...tiny, '--output', '/'], 1, /could not/);
test(
  'one file to compare',
  refuses,
  ['--compare', 'a.json'],
  2,
  /two files of results, or pairs of them, for `--compare`/,
);
test(
  'a pair and a half to compare',
  refuses,
  ['--compare', 'a.json', 'b.json', 'c.json'],
  2,
  /two files of results, or pairs of them, for `--compare`/,
);
test('a file that is missing', refuses, ['--compare', 'no.json', 'no.json'], 1, /no\.json: could not open/);

async function writeGrid(
  t: ExecutionContext,
  name: string,
  factor: number,
  change: Partial<MeasuredCell> = {},
): Promise<string> {
  const path = join(await makeFolder(t), name);
  const cell = { ...measuredCell(), ...change };
  const noise = [1, 1.001, 0.999, 1.0005, 0.9995];
  const rounds = noise.map((n) => ({ ms: [2 * factor * n, 2 * factor * n], peak: 1e9, phaseMs: {} }));
  await writeFile(path, JSON.stringify(gridResults({ cells: [{ ...cell, rounds }] })));
  return path;
}

test('comparing files gives exit code 1 only if the second is slower', async (t) => {
  const [before, after] = [await writeGrid(t, 'a.json', 1), await writeGrid(t, 'b.json', 1.5)];
  const slower = await headpool('bench', '--compare', before, after);
  t.is(slower.code, 1, slower.stderr);
  t.regex(slower.stdout, /1\.50x/);
  for (const [a, b] of [
    [after, before],
    [before, before],
  ] as const) {
    const { code, stderr } = await headpool('bench', '--compare', a, b);
    t.is(code, 0, stderr);
  }
  const pairs = await headpool('bench', '--compare', before, after, before, after);
  t.is(pairs.code, 1, pairs.stderr);
  t.regex(pairs.stdout, /over 2 pairs of files/);
  const json = await headpool('bench', '--compare', before, after, '--json');
  t.like(JSON.parse(json.stdout), { overall: { verdict: 'slower' } });
});

test('a comparison is written to every file that is asked for', async (t) => {
  const [before, after] = [await writeGrid(t, 'a.json', 1), await writeGrid(t, 'b.json', 1.5)];
  const folder = await makeFolder(t);
  const [html, csv, output] = ['new/c.html', 'c.csv', 'c.json'].map((name) => join(folder, name));
  const files = ['--html', html!, '--csv', csv!, '--output', output!, '--svg', join(folder, 'charts')];
  const { code, stdout, stderr } = await headpool(
    'bench',
    '--compare',
    before,
    after,
    ...files,
    '--title',
    'Before & after',
    '--json',
  );
  t.is(code, 1, stderr);
  const comparison = JSON.parse(stdout) as unknown;
  t.like(comparison, { benchmark: 'comparison', title: 'Before & after' });
  t.deepEqual(JSON.parse(await readFile(output!, 'utf8')), comparison);
  const page = await readFile(html!, 'utf8');
  t.regex(page, /<h1>B against A: Before &amp; after<\/h1>/);
  t.is(page.match(/<svg class="chart"/g)?.length, 1);
  t.regex(await readFile(csv!, 'utf8'), /^name,aMs,bMs,ratio,.*\r\nlayer .*,slower,\r\n$/);
  t.deepEqual(await readdir(join(folder, 'charts')), ['ratios.svg']);
});

test('a comparison writes over no file that it reads', async (t) => {
  const [before, after] = [await writeGrid(t, 'a.json', 1), await writeGrid(t, 'b.json', 1)];
  const { code, stderr } = await headpool('bench', '--compare', before, after, '--output', after);
  t.is(code, 2);
  t.true(stderr.includes(after), stderr);
  t.like(JSON.parse(await readFile(after, 'utf8')), { benchmark: 'grid' });
});

test('a comparison of nothing but noisy cells has an exit code of its own', async (t) => {
  const [before, after] = [
    await writeGrid(t, 'a.json', 1),
    await writeGrid(t, 'b.json', 1.5, { isNoisy: true }),
  ];
  const { code, stdout, stderr } = await headpool('bench', '--compare', before, after);
  t.is(code, 4, stderr);
  t.regex(stdout, /^nothing could be decided: 1 cells? without a verdict$/m);
  const { stdout: help } = await headpool('bench', '--help');
  t.regex(help.replace(/\s+/g, ' '), /exit code 1 if B is slower, 4 if nothing could be decided/);
});

test('files that share no cell, or are of something else, are not compared', async (t) => {
  const before = await writeGrid(t, 'a.json', 1);
  const folder = await makeFolder(t);
  const other = join(folder, 'other.json');
  await writeFile(other, JSON.stringify(gridResults({ cells: [measuredCell({ tokens: 99 })] })));
  const apart = await headpool('bench', '--compare', before, other);
  t.is(apart.code, 2);
  t.regex(apart.stderr, /a file with cells that .*a\.json has too for `compare`/);
  const broken = join(folder, 'broken.json');
  await writeFile(broken, '{"benchmark":"grid","format":2}');
  const { code, stderr } = await headpool('bench', '--compare', broken, before);
  t.is(code, 1);
  t.regex(stderr, /broken\.json: expected text for `title`, got nothing/);
});

test('a signal ends it quietly and leaves no file', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'out'));
  const output = join(folder, 'out', 'r.json');
  const args = [...tiny, '--tokens', '4', '--seconds', '600', '--output', output];
  const { child, finished } = start('.', ['bench', ...args]);
  // Once the estimate was said, the grid is under way.
  child.stderr!.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await finished;
  t.is(code, 130, stderr);
  t.regex(stderr, /Stopped by SIGINT/);
  t.is(stdout, '');
  t.deepEqual(await readdir(join(folder, 'out')), []);
});

gpuTest('a grid on a GPU says what calls asked of it', async (t) => {
  const given = [
    '--device',
    'gpu',
    '--heads',
    '2',
    '--model-dim',
    '16',
    '--tokens',
    '4',
    '--mode',
    'layer,decode',
  ];
  const short = ['--seconds', '0.1', '--rounds', '1', '--json'];
  const { code, stdout, stderr } = await run('.', ['bench', ...given, ...short], { env: softwareGpu });
  t.is(code, 0, stderr);
  t.regex(stderr, /mode decode is left out on wgsl, which has no caches/);
  const { cells, adapter } = parseResults(stdout, 'stdout') as GridResults;
  t.regex(adapter!, /swiftshader.*\(Vulkan\)$/);
  t.is(cells.length, 1);
  const [cell] = cells;
  if (cell?.status !== 'measured') return t.fail('nothing was measured');
  t.true(cell.peakShare > 0 && cell.error < 1e-4);
  const { uploadMs, computeMs, readBackMs, bufferBytes } = cell.device!;
  t.true(uploadMs > 0 && computeMs > 0 && readBackMs > 0);
  // Four projections of 16 x 16 with their biases.
  t.true(bufferBytes > 4 * 4 * 17 * 16, String(bufferBytes));
});

test('help names every setting', async (t) => {
  const { code, stdout } = await headpool('bench', '--help');
  t.is(code, 0);
  for (const flag of [
    '--mode',
    '--head-dim',
    '--kv-heads',
    '--max-minutes',
    '--compare',
    '--html',
    '--svg',
    '--json',
  ])
    t.true(stdout.includes(flag), flag);
});
