// `headpool scale` as a user meets it: tiny experiments, their files, and what wrong arguments are answered.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { readMachineLimits } from '../../src/core/machine/machine-limits.js';
import { signsInScaling } from '../../src/measure/busy.js';
import type { ScalingCurve, ScalingResults } from '../../src/measure/scaling/results.js';
import { makeFolder } from '../helpers/make-folder.js';
import { headpool, start } from '../helpers/command.js';

const tiny = ['--seconds', '0.05', '--ms', '2', '--kernel', 'wasm'];
const parallelism = readMachineLimits().threads;
const hasTwo = parallelism >= 2;

function assertCurve(t: ExecutionContext, curve: ScalingCurve): void {
  const name = `${curve.kind} by ${curve.axis}`;
  const workers = curve.points.map((point) => point.workers);
  t.deepEqual(workers, hasTwo ? [1, 2] : [1], name);
  t.deepEqual(
    curve.predicted.map((point) => point.workers),
    [...new Set([...workers, 2, 8])],
    name,
  );
  for (const point of curve.points) {
    t.true(point.ms.count >= 5 && point.ms.median > 0, name);
    t.deepEqual(Object.keys(point.phaseMs), ['project', 'attend', 'output'], name);
    t.true(point.dispatchMs >= 0 && point.waitShare >= 0 && point.waitShare < 1, name);
    t.true(Math.abs(point.efficiency - point.speedUp / point.workers) < 1e-12, name);
    t.true(Math.abs(point.peakEfficiency - point.speedUp / point.peakSpeedUp) < 1e-12, name);
    const { median: control, interval } = point.control!;
    t.true(interval.low <= control && control <= interval.high, name);
    t.true(point.speedUpInterval.low <= point.speedUp && point.speedUp <= point.speedUpInterval.high, name);
    const { flop } = curve.points[0]!.work;
    if (curve.kind === 'strong') t.is(point.work.flop, flop, name);
    else t.true(point.work.flop >= flop, name);
  }
  t.is(curve.points[0]!.speedUp, 1, name);
  for (const { workers: count, ms, isBeyondMachine } of curve.predicted) {
    t.true(ms > 0, name);
    t.is(isBeyondMachine, count > parallelism, name);
  }
  t.true(curve.predictionError >= 0, name);
  t.is(curve.amdahl, null, name);
  t.is(curve.universal, null, name);
}

test('an experiment of both kinds and all axes has its points in files, on the screen and in the charts', async (t) => {
  const folder = await makeFolder(t);
  const [output, csv, html] = ['new/scale.json', 'scale.csv', 'scale.html'].map((name) => join(folder, name));
  const svg = join(folder, 'charts');
  const files = ['--output', output!, '--csv', csv!, '--html', html!, '--svg', svg];
  const counts = ['--workers', '2', '--predict', '2,8'];
  const { code, stdout, stderr } = await headpool(
    'scale',
    ...tiny,
    ...counts,
    ...files,
    '--title',
    'Tiny',
    '--json',
  );
  t.is(code, 0, stderr);
  const results = JSON.parse(stdout) as ScalingResults;
  t.deepEqual(JSON.parse(await readFile(output!, 'utf8')), results);
  const { benchmark, title, kernel, peaks, curves, busy } = results;
  t.deepEqual(busy, signsInScaling(peaks, curves));
  t.deepEqual([benchmark, title, kernel], ['scaling', 'Tiny', 'wasm']);
  t.is(peaks.length, hasTwo ? 2 : 1);
  t.deepEqual(
    curves.map(({ kind, axis }) => `${kind} ${axis}`),
    ['strong', 'weak'].flatMap((kind) => ['heads', 'sequences', 'queries'].map((axis) => `${kind} ${axis}`)),
  );
  for (const curve of curves) assertCurve(t, curve);
  const [header, ...lines] = (await readFile(csv!, 'utf8')).trimEnd().split('\r\n');
  // Of a busy machine nothing predicted is told.
  const isTold = busy.length === 0;
  const told = curves.map(({ points, predicted, predictionError }) =>
    isTold && predictionError <= 0.15 ? predicted.length : points.length,
  );
  t.is(
    lines.length,
    told.reduce((a, b) => a + b),
  );
  for (const line of lines) t.is(line.split(',').length, header!.split(',').length);
  t.regex(await readFile(html!, 'utf8'), /<html.*Tiny/s);
  if (hasTwo) t.true((await readdir(svg)).every((name) => name.endsWith('.svg')));
  t.deepEqual((await readdir(folder)).sort(), ['charts', 'new', 'scale.csv', 'scale.html']);
});

test('the table marks what is predicted and says what fits', async (t) => {
  const what = ['--kind', 'strong', '--axis', 'queries', '--workers', 'max,1024', '--predict', '1000'];
  const { code, stdout, stderr } = await headpool('scale', ...tiny, ...what, '--workers', '1,1024');
  t.is(code, 0, stderr);
  t.regex(stderr, /measuring up to 1 worker, there are no more processors; 1024 will be predicted/);
  const lines = stdout.trimEnd().split('\n');
  t.regex(lines[0]!, /^headpool scale: headpool .*kernel wasm/);
  t.is(lines.filter((line) => line.includes('strong scaling by queries')).length, 1);
  t.regex(stdout, /^ +1,000 {2}\(predicted, beyond this machine\)/m);
  t.regex(stdout, /^ +1,024 {2}\(predicted, beyond this machine\)/m);
  t.regex(stdout, /^Amdahl's law: needs 3 measured points\.$/m);
  t.regex(stdout, /^Simulated plan: .* with 1,024 workers, unchecked\.$/m);
});

const refuses = test.macro({
  title: (title) => `${title} is refused before anything is measured`,
  exec: async (t: ExecutionContext, args: readonly string[], message: RegExp) => {
    const { code, stdout, stderr } = await headpool('scale', ...args);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
  },
});

test(
  'an unknown axis',
  refuses,
  ['--axis', 'heads,sequenzes'],
  /for `--axis`, got .*sequenzes.*did you mean `sequences`\?/,
);
test(
  'an unknown option',
  refuses,
  ['--worker', '2'],
  /Unknown option `--worker`; did you mean `--workers`\?/,
);
test(
  'hours',
  refuses,
  ['--seconds', '3600'],
  /at most 30 minutes \(`maxMinutes`\), got one of about \d+: 6 curves/,
);

test('a file that cannot be written is known before anything is measured', async (t) => {
  const folder = await makeFolder(t);
  const args = ['--csv', join(folder, 'scale.csv'), '--output', folder, '--seconds', '100'];
  const { code, stdout, stderr } = await headpool('scale', ...args);
  t.is(code, 1);
  t.is(stdout, '');
  t.true(stderr.includes(folder), stderr);
  t.deepEqual(await readdir(folder), []);
});

test('a signal ends an experiment without leaving files', async (t) => {
  const folder = join(await makeFolder(t), 'results');
  const args = ['--seconds', '100', '--kernel', 'wasm', '--csv', join(folder, 'scale.csv')];
  const { child, finished } = start('.', ['scale', ...args]);
  // Their folder is made when signals are already waited for.
  while (!existsSync(folder)) await sleep(20);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await finished;
  t.is(code, 130, stderr);
  t.is(stdout, '');
  t.is(stderr, 'headpool: Stopped by SIGINT\n');
  t.deepEqual(await readdir(folder), []);
});
