// The order of visits, what can't be measured, and what a restless machine does, on a lab that measures nothing.
import test from 'ava';
import { HeadpoolError } from '../../../src/core/errors.js';
import { measureGrid, type GridHooks } from '../../../src/measure/grid/run-grid.js';
import { parseResults } from '../../../src/measure/stored-results.js';
import type { MeasureProgress } from '../../../src/measure/progress.js';
import { caseOf, fakeLab } from './grid-case.js';

const options = { title: 'a grid', seconds: 1, rounds: 2 };
const one = caseOf({ tokens: 1 });
const two = caseOf({ tokens: 2 });
const other = caseOf({ tokens: 3, kernel: 'wasm', threads: 2 });
const quiet = [1, 1, 1, 1];
const restless = [1, 2, 2, 1];

test('every other round goes backwards, with one engine open and one case at a time', async (t) => {
  const lab = fakeLab();
  await measureGrid([one, other, two], options, {}, lab);
  t.deepEqual(lab.log, [
    ...[
      'open reference x1',
      '1 on reference x1',
      'disposed',
      '2 on reference x1',
      'disposed',
      'close reference x1',
    ],
    ...['open wasm x2', '3 on wasm x2', 'disposed', 'close wasm x2'],
    ...['open wasm x2', '3 on wasm x2', 'disposed', 'close wasm x2'],
    ...[
      'open reference x1',
      '2 on reference x1',
      'disposed',
      '1 on reference x1',
      'disposed',
      'close reference x1',
    ],
  ]);
});

test('the results are in the order of the cases, and plain JSON', async (t) => {
  const results = await measureGrid([two, other, one], options, {}, fakeLab());
  t.deepEqual(
    results.cells.map((cell) => cell.case),
    [two, other, one],
  );
  t.deepEqual(results.instructionSets, { reference: 'set of reference', wasm: 'set of wasm' });
  t.deepEqual(parseResults(JSON.stringify(results), 'x.json'), results);
  t.like(results.cells[0], { status: 'measured', residentBytes: 1e8, isNoisy: false });
  t.like(results.cells[0], { workingBytes: 4096, fixedBytes: 1024 });
});

test('each round has its samples, and the mean of the peaks before and after', async (t) => {
  const lab = fakeLab({ samples: (visit) => (visit === 0 ? [1, 1] : [3, 3]) });
  const peaks = [1e9, 3e9, 5e9, 5e9];
  const open = lab.open.bind(lab);
  lab.open = async (...args) => ({ ...(await open(...args)), peak: () => Promise.resolve(peaks.shift()!) });
  const { cells } = await measureGrid([one], options, {}, lab);
  t.like(cells[0], {
    rounds: [
      { ms: [1, 1], peak: 2e9 },
      { ms: [3, 3], peak: 5e9 },
    ],
  });
});

test('a kernel that is not there is a marked cell beside others', async (t) => {
  const unavailable = new Map([['wasm', 'no SIMD'] as const]);
  const lab = fakeLab();
  const { cells } = await measureGrid([one, other], { ...options, unavailable }, {}, lab);
  t.is(cells[0]!.status, 'measured');
  t.deepEqual(cells[1], { status: 'unavailable', case: other, reason: 'no SIMD' });
  t.false(lab.log.includes('open wasm x2'));
});

test('an engine that does not start for its kernel marks its cells', async (t) => {
  const lab = fakeLab({
    open: (kernel) => {
      if (kernel === 'wasm') throw new HeadpoolError('KERNEL_UNAVAILABLE', 'no SIMD after all');
    },
  });
  const { cells } = await measureGrid([other, one], options, {}, lab);
  t.deepEqual(cells[0], { status: 'unavailable', case: other, reason: 'no SIMD after all' });
  t.is(cells[1]!.status, 'measured');
});

test('a case without room is marked, and the others go on', async (t) => {
  const lab = fakeLab({
    prepare: ({ tokens }) => {
      if (tokens === 1) throw new HeadpoolError('MEMORY_LIMIT', 'over 4 GiB');
    },
  });
  const { cells } = await measureGrid([one, two], options, {}, lab);
  t.like(cells[0], { status: 'unavailable', reason: 'over 4 GiB' });
  t.is(cells[1]!.status, 'measured');
  t.is(lab.log.filter((line) => line.startsWith('1 on')).length, 1, 'it is not tried again');
});

test('where no cell can be measured, the reason is an error', async (t) => {
  const unavailable = new Map([['wasm', 'no SIMD'] as const]);
  const error = await t.throwsAsync(measureGrid([other], { ...options, unavailable }, {}, fakeLab()), {
    instanceOf: HeadpoolError,
  });
  t.is(error.code, 'KERNEL_UNAVAILABLE');
  t.regex(error.message, /None of the cells .*wasm x2: no SIMD/);
  const full = fakeLab({
    prepare: () => {
      throw new HeadpoolError('MEMORY_LIMIT', 'over 4 GiB');
    },
  });
  const memory = await t.throwsAsync(measureGrid([one, two], options, {}, full), {
    instanceOf: HeadpoolError,
  });
  t.is(memory.code, 'MEMORY_LIMIT');
});

test('a wrong result ends it all, with the engine closed', async (t) => {
  const lab = fakeLab({
    check: () => {
      throw new RangeError('row 3 is wrong');
    },
  });
  await t.throwsAsync(measureGrid([one], options, {}, lab), { instanceOf: RangeError, message: /row 3/ });
  t.deepEqual(lab.log.slice(-2), ['disposed', 'close reference x1']);
});

test('results are checked once, not in every round', async (t) => {
  let checks = 0;
  const lab = fakeLab({ check: () => ++checks * 1e-7 });
  const { cells } = await measureGrid([one], { ...options, rounds: 4 }, {}, lab);
  t.is(checks, 1);
  t.like(cells[0], { error: 1e-7 });
});

test('a cell whose control fails is measured again, and keeps that if it passes', async (t) => {
  const visits: (readonly number[])[] = [restless, restless, quiet, quiet];
  const { cells, busy } = await measureGrid(
    [one],
    options,
    {},
    fakeLab({ samples: (visit) => visits[visit]! }),
  );
  t.deepEqual(busy, []);
  t.like(cells[0], { isNoisy: false, ms: { count: 8, max: 1 }, control: { median: 1 } });
});

test('a cell whose control fails twice is marked and keeps all rounds', async (t) => {
  const lab = fakeLab({ samples: () => restless });
  const { cells, busy } = await measureGrid([one], options, {}, lab);
  t.like(cells[0], { isNoisy: true, ms: { count: 16 } });
  t.deepEqual(busy, ['1 of 1 configuration not the same when timed twice']);
  t.is(lab.log.filter((line) => line.startsWith('1 on')).length, 4);
});

test('only the cells that failed are measured again', async (t) => {
  // The second visit is that of case two.
  const lab = fakeLab({ samples: (visit) => (visit === 1 ? restless : quiet) });
  const { cells } = await measureGrid([one, two], { ...options, rounds: 1 }, {}, lab);
  t.deepEqual(
    lab.log.filter((line) => line.includes(' on ')),
    ['1 on reference x1', '2 on reference x1', '2 on reference x1'],
  );
  t.true(cells.every((cell) => cell.status === 'measured' && !cell.isNoisy));
});

test('progress counts visits, names the case and ends at all of them', async (t) => {
  const seen: MeasureProgress[] = [];
  const hooks: GridHooks = {
    onProgress: (progress) => {
      seen.push(progress);
    },
  };
  await measureGrid([one, two], options, hooks, fakeLab());
  t.deepEqual(
    seen.map(({ done, of, name }) => `${done}/${of} ${name}`),
    [
      '0/4 layer 32/4/1 reference x1',
      '1/4 layer 32/4/2 reference x1',
      '2/4 layer 32/4/2 reference x1',
      '3/4 layer 32/4/1 reference x1',
      '4/4 ',
    ],
  );
  t.is(seen[0]!.msLeft, undefined);
  t.true(seen.slice(1).every(({ msLeft }) => msLeft! >= 0));
  t.is(seen.at(-1)!.msLeft, 0);
});

test('a signal ends it with its reason, and the engine is closed', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const lab = fakeLab({
    samples: (visit) => {
      if (visit === 1) controller.abort(reason);
      return quiet;
    },
  });
  const error = await t.throwsAsync(
    measureGrid([one, two, other], options, { signal: controller.signal }, lab),
  );
  t.is(error, reason);
  t.is(lab.log.at(-1), 'close reference x1');
  t.false(lab.log.includes('open wasm x2'));
});

test('phases are counted from the second call on', async (t) => {
  const { cells } = await measureGrid([one], options, {}, fakeLab());
  t.like(cells[0], {
    rounds: [{ phaseMs: { project: 0.5 } }, { phaseMs: { project: 0.5 } }],
    phaseMs: { project: 0.5 },
  });
});

test('three lengths make a law', async (t) => {
  const lengths = [1, 2, 4].map((tokens) => caseOf({ tokens }));
  const results = await measureGrid(lengths, options, {}, fakeLab());
  t.like(results.laws.growth[0], { axis: 'tokens', quantity: 'time', points: 3, exponent: 0 });
  t.deepEqual(parseResults(JSON.stringify(results), 'x.json'), results);
});
