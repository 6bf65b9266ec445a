// Strict reading of results: what was written comes back, and everything else is refused by the name of the field.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HeadpoolError } from '../../src/core/errors.js';
import { parseResults, readResults } from '../../src/measure/stored-results.js';
import type { GridLaws } from '../../src/measure/grid/results.js';
import type { ScalingResults } from '../../src/measure/scaling/results.js';
import { makeFolder } from '../helpers/make-folder.js';
import { gridResults, measuredCell } from './grid/grid-case.js';

const { ms, interval } = measuredCell();

const laws: GridLaws = {
  growth: [
    {
      ...{ name: 'layer 32/4/tokens reference x1', axis: 'tokens', quantity: 'time', from: 8, to: 64 },
      ...{ points: 3, exponent: 1.5, factor: 0.1, interval: null, deviation: 0.01, flopExponent: 1.6 },
      isNoisy: false,
    },
  ],
  crossovers: [{ name: 'layer 32/4/tokens reference x1', axis: 'tokens', at: 32, flopAt: null }],
};

const scaling: ScalingResults = {
  ...{ benchmark: 'scaling', format: 1, title: 'curves', version: '0.1.0' },
  ...{
    startedAt: '2026-01-02T03:04:05.000Z',
    elapsedMs: 5,
    busy: ['it was'],
    machine: gridResults().machine,
  },
  ...{ kernel: 'wasm', instructionSet: 'WebAssembly SIMD', peaks: [1e9, 1.9e9] },
  curves: [
    {
      ...{ kind: 'strong', axis: 'heads', predictionError: 0.02 },
      points: [
        {
          workers: 1,
          work: { modelDim: 64, heads: 4, tokens: 128, batch: 1, flop: 1e6 },
          ...{ ms, interval, speedUp: 1, speedUpInterval: { low: 1, high: 1 }, efficiency: 1 },
          ...{ peakSpeedUp: 1, peakEfficiency: 1, phaseMs: { attend: 1.5 }, dispatchMs: 0.05, waitShare: 0 },
        },
      ],
      predicted: [{ workers: 8, ms: 1, speedUp: 6, isBeyondMachine: true }],
      amdahl: { serial: 0.01, deviation: 0.001 },
      universal: { contention: 0.01, coherence: 0, peakWorkers: null, deviation: 0.001 },
    },
    {
      ...{ kind: 'weak', axis: 'queries', predictionError: 0 },
      points: [],
      predicted: [],
      amdahl: null,
      universal: null,
    },
  ],
};

test('what was written comes back', (t) => {
  for (const results of [gridResults(), gridResults({ cells: [], laws }), scaling]) {
    t.deepEqual(parseResults(JSON.stringify(results), 'x.json'), results);
  }
});

test('a file without options and signs, as earlier versions wrote it, has none of them', (t) => {
  const text = JSON.stringify(gridResults());
  const earlier = text.replaceAll('"options":"none",', '').replace('"busy":[],', '');
  t.not(earlier, text);
  t.deepEqual(parseResults(earlier, 'x.json'), gridResults());
});

test('outcomes of bars come back', (t) => {
  const outcome = { name: 'layer, ms', found: 2, wanted: '<= 1', isMet: false };
  const bars = [outcome, { ...outcome, found: null }];
  t.deepEqual(parseResults(JSON.stringify(gridResults({ bars })), 'x.json'), gridResults({ bars }));
});

test('a file comes back too', async (t) => {
  const path = join(await makeFolder(t), 'results.json');
  await writeFile(path, JSON.stringify(gridResults(), null, 2));
  t.deepEqual(await readResults(path), gridResults());
});

type Path = readonly (string | number)[];

/** The results with the field at `path` replaced, or removed where no value is given. */
function change(results: object, path: Path, value?: unknown): string {
  const copy = JSON.parse(JSON.stringify(results)) as Record<string | number, unknown>;
  let target = copy;
  for (const key of path.slice(0, -1)) target = target[key] as Record<string | number, unknown>;
  if (value === undefined) Reflect.deleteProperty(target, path.at(-1)!);
  else target[path.at(-1)!] = value;
  return JSON.stringify(copy);
}

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: (t: ExecutionContext, text: string, field: string, what: RegExp) => {
    const startMs = performance.now();
    const error = t.throws(() => parseResults(text, 'some/x.json'), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_FILE');
    t.true(error.message.startsWith('some/x.json: expected '), error.message);
    t.true(error.message.includes(`\`${field}\``), error.message);
    t.regex(error.message, what);
    t.true(performance.now() - startMs < 1000);
  },
});

const grid = gridResults();
const at = (...path: Path): Path => ['cells', 0, ...path];
test(
  'a missing field',
  refuses,
  change(grid, at('flop')),
  'cells[0].flop',
  /a finite number for .*, got nothing/,
);
test('a surplus field', refuses, change(grid, at('extra'), 1), 'cells[0].extra', /no such field/);
test(
  'a surplus field called __proto__',
  refuses,
  JSON.stringify(grid).replace('{', '{"__proto__":{},'),
  '__proto__',
  /no such field/,
);
test('text for a number', refuses, change(grid, at('ms', 'p90'), '2'), 'cells[0].ms.p90', /a finite number/);
test('a number too large', refuses, JSON.stringify(grid).replace('1234.5', '1e999'), 'elapsedMs', /finite/);
test('a time of 0', refuses, change(grid, at('rounds', 1, 'ms', 2), 0), 'cells[0].rounds[1].ms[2]', /> 0/);
test(
  'a round without samples',
  refuses,
  change(grid, at('rounds', 1, 'ms'), []),
  'cells[0].rounds[1].ms',
  /at least one/,
);
test('a cell without rounds', refuses, change(grid, at('rounds'), []), 'cells[0].rounds', /at least one/);
test(
  'an unknown mode',
  refuses,
  change(grid, at('case', 'mode'), 'decoding'),
  'cells[0].case.mode',
  /layer, attention, decode/,
);
test(
  'an unknown kernel',
  refuses,
  change(grid, at('case', 'kernel'), 'cuda'),
  'cells[0].case.kernel',
  /native, wasm/,
);
test(
  'a fraction of a head',
  refuses,
  change(grid, at('case', 'heads'), 1.5),
  'cells[0].case.heads',
  /integer >= 1/,
);
test(
  'a negative window',
  refuses,
  change(grid, at('case', 'window'), -1),
  'cells[0].case.window',
  /integer >= 0/,
);
test('text for a flag', refuses, change(grid, at('isNoisy'), 'no'), 'cells[0].isNoisy', /true or false/);
test(
  'an unknown status',
  refuses,
  change(grid, at('status'), 'lost'),
  'cells[0].status',
  /measured, unavailable/,
);
test('a reason that is none', refuses, change(grid, ['cells', 1, 'reason'], 5), 'cells[1].reason', /text/);
test('cells that are no list', refuses, change(grid, ['cells'], {}), 'cells', /a list/);
test('null for a cell', refuses, change(grid, ['cells', 0], null), 'cells[0]', /an object/);
test(
  'a machine that is missing',
  refuses,
  change(grid, ['machine']),
  'machine',
  /an object for .*, got nothing/,
);
test(
  'an unknown kernel that computed',
  refuses,
  change(grid, ['instructionSets', 'gpu'], 'x'),
  'instructionSets.gpu',
  /as a key/,
);
test(
  'a later format',
  refuses,
  change(grid, ['format'], 3),
  'format',
  /2, the format that this version reads, .* got `3`/,
);
test('another benchmark', refuses, change(grid, ['benchmark'], 'limits'), 'benchmark', /grid, scaling/);
test('no laws', refuses, change(grid, ['laws']), 'laws', /an object for .*, got nothing/);
test(
  'a law of two points',
  refuses,
  change(gridResults({ laws }), ['laws', 'growth', 0, 'points'], 2),
  'laws.growth[0].points',
  /integer >= 3/,
);
test(
  'a crossover at 0',
  refuses,
  change(gridResults({ laws }), ['laws', 'crossovers', 0, 'at'], 0),
  'laws.crossovers[0].at',
  /> 0/,
);
test('a list', refuses, '[1]', 'file', /an object/);
test('null', refuses, 'null', 'file', /an object/);
test(
  'a curve of an unknown axis',
  refuses,
  change(scaling, ['curves', 0, 'axis'], 'layers'),
  'curves[0].axis',
  /heads, sequences/,
);
test(
  'a point without workers',
  refuses,
  change(scaling, ['curves', 0, 'points', 0, 'workers'], 0),
  'curves[0].points[0].workers',
  />= 1/,
);
test(
  'a fit that is cut short',
  refuses,
  change(scaling, ['curves', 0, 'universal', 'coherence']),
  'curves[0].universal.coherence',
  /number/,
);

test('text that is no JSON is refused', (t) => {
  for (const text of ['', '{', '{"benchmark":"grid"', '['.repeat(100_000), '\u0000']) {
    const error = t.throws(() => parseResults(text, 'x.json'), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_FILE');
    t.regex(error.message, /^x\.json: expected /);
  }
});

test('a file that cannot be read is refused', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'results.json'));
  for (const name of ['results.json', 'missing.json']) {
    const error = await t.throwsAsync(readResults(join(folder, name)), { instanceOf: HeadpoolError });
    t.is(error.code, 'FILE_FAILED');
    t.true(error.message.includes(name));
  }
});
