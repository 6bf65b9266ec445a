// Scaling results as text and as comma-separated values: every figure in its place, and what is predicted marked so.
import test from 'ava';
import type { ScalingCurve, ScalingPoint, ScalingResults } from '../../../src/measure/scaling/results.js';
import { summarise } from '../../../src/measure/statistics.js';
import { fitsOf, formatFit } from '../../../src/measure/report/fits.js';
import { formatCharts } from '../../../src/measure/report/charts.js';
import { formatPage } from '../../../src/measure/report/page.js';
import { formatScaling, formatScalingCsv } from '../../../src/measure/report/scaling-table.js';
import { exampleCurve, scalingResults } from '../../helpers/bench-fixtures.js';

const work = { modelDim: 128, heads: 2, tokens: 96, batch: 1, flop: 2.5e7 };

function pointOf(workers: number, ms: number, speedUp: number): ScalingPoint {
  return {
    ...{ workers, work, ms: summarise([ms]), interval: { low: ms - 1, high: ms + 1 }, speedUp },
    speedUpInterval: { low: speedUp - 0.125, high: speedUp + 0.125 },
    efficiency: speedUp / workers,
    peakSpeedUp: 0.9 * workers,
    peakEfficiency: speedUp / (0.9 * workers),
    phaseMs: { project: ms / 2, attend: ms / 4 },
    dispatchMs: 0.25,
    waitShare: 0.05,
  };
}

const results: ScalingResults = {
  ...{ benchmark: 'scaling', format: 1, title: 'T', version: '1.2.3', startedAt: '2024-01-01T00:00:00Z' },
  elapsedMs: 1000,
  busy: [],
  machine: {
    ...{ cpu: 'C', cores: 4, parallelism: 2, memoryBytes: 2 ** 30, node: '20', v8: '11', platform: 'P' },
  },
  ...{ kernel: 'native', instructionSet: 'AVX2', peaks: [50e9, 95.5e9] },
  curves: [
    {
      ...{ kind: 'strong', axis: 'heads', points: [pointOf(1, 40, 1), pointOf(2, 22, 1.75)] },
      predicted: [
        { workers: 1, ms: 40, speedUp: 1, isBeyondMachine: false },
        { workers: 2, ms: 21, speedUp: 1.9, isBeyondMachine: false },
        { workers: 8, ms: 6.25, speedUp: 6.4, isBeyondMachine: true },
      ],
      ...{ predictionError: 0.0857, amdahl: null, universal: null },
    },
  ],
};

test('the table has a row a point, predicted ones marked and their speed-ups apart', (t) => {
  const lines = formatScaling(results).split('\n');
  t.regex(lines[0]!, /^T: headpool 1\.2\.3, kernel native \(AVX2\), node 20$/);
  t.regex(lines[2]!, /1 … 2 workers: 50\.0, 95\.5 GFLOP\/s/);
  t.is(lines[4], 'strong scaling by heads: the same work');
  const [header, one, two, eight] = lines.slice(5, 9).map((line) => line.trim().split(/ {2,}/));
  const names = ['workers', 'work', 'ms', 'speed-up of pairs', '95 %', 'simulated', 'efficiency', 'of peak'];
  t.deepEqual(header, [...names, 'project ms', 'attend ms', 'dispatch ms', 'waiting']);
  const shape = '1 x 96 tokens, 2 heads, 25.0 MFLOP';
  t.deepEqual(one!.slice(0, 5), ['1', shape, '40.0', '1.00', '1.00']);
  t.deepEqual(two, [
    ...['2', shape, '22.0', '1.75', '1.63 - 1.88', '1.90', '87.5 %', '97.2 %'],
    ...['11.0', '5.50', '0.25', '5.0 %'],
  ]);
  t.deepEqual(eight, ['8', '(predicted, beyond this machine)', '6.25', '6.40', '80.0 %']);
  t.deepEqual(lines.slice(9), [
    "Amdahl's law: needs 3 measured points.",
    'Universal scalability law: needs 4 measured points.',
    'Simulated plan: 6.40 times one with 8 workers; the points are 8.6 % off it.',
    '',
    'ms: medians; phases and dispatch: means; speed-up: medians of pairs measured in turn',
  ]);
});

const told = exampleCurve('strong', 'heads', 0.02);

/** What is said of eight quiet workers with some fields changed. */
const sentences = (change: Partial<ScalingCurve>, isBusy = false): string[] =>
  fitsOf({ ...told, ...change }, isBusy).map(formatFit);

test('a fit is a sentence with its parameters', (t) => {
  const says = (serial: number) => sentences({ amdahl: { serial, deviation: 0.004 } })[0];
  t.is(
    says(0.02),
    "Amdahl's law: 2.00 % of the work is serial: never more than 50 times one worker; the points are 0.4 % off it.",
  );
  t.is(says(0), "Amdahl's law: 0.00 % of the work is serial; the points are 0.4 % off it.");
  const universal = { contention: 0.01, coherence: 0.0004, peakWorkers: 49.7, deviation: 0.01 };
  t.is(
    sentences({ universal })[1],
    'Universal scalability law: contention 1.00 %, coherence 0.0400 %: more than 50 workers would be slower; ' +
      'the points are 1.0 % off it.',
  );
  t.notRegex(sentences({ universal: { ...universal, peakWorkers: null } })[1]!, /slower/);
});

test('what points do not bear out is not told, and why not is', (t) => {
  const two = { points: told.points.slice(0, 2), amdahl: null, universal: null };
  t.deepEqual(sentences(two).slice(0, 2), [
    "Amdahl's law: needs 3 measured points.",
    'Universal scalability law: needs 4 measured points.',
  ]);
  // As earlier versions fitted it.
  const perfect = { points: two.points, amdahl: { serial: 0.96, deviation: 0 } };
  t.is(sentences(perfect)[0], "Amdahl's law: needs 3 measured points.");
  t.is(
    sentences({ amdahl: { serial: 0.5, deviation: 0.3 } })[0],
    "Amdahl's law: no fit, the points are 30 % off it.",
  );
  t.is(
    sentences({ predictionError: 0.16 })[2],
    'Simulated plan: no prediction, it misses measured points by up to 16 %, more than 15 %.',
  );
  t.regex(
    sentences({ predictionError: 0.149 })[2]!,
    /times one with 64 workers; the points are 14\.9 % off it/,
  );
  t.regex(sentences({ points: told.points.slice(0, 1), predictionError: 0 })[2]!, /64 workers, unchecked\.$/);
  for (const sentence of sentences({}, true)) t.regex(sentence, /the machine was busy\.$/);
});

const shaky: readonly { readonly what: string; readonly change: object; readonly curve: object }[] = [
  { what: 'a busy machine', change: { busy: ['it swapped', 'it slept'] }, curve: {} },
  { what: 'a simulation that misses', change: {}, curve: { predictionError: 0.43 } },
];

for (const { what, change, curve } of shaky) {
  test(`of ${what} nothing predicted is shown: in the table, the values, the page and the charts`, (t) => {
    const scaling = { ...scalingResults([{ ...told, ...curve }]), ...change };
    const page = formatPage(scaling);
    t.notRegex(formatScaling(scaling), /\(predicted/);
    t.notRegex(formatScalingCsv(scaling), /predicted/);
    t.notRegex(page, /data-series="predicted"|>Predicted with|~ predicted/);
    for (const chart of formatCharts(scaling).values()) t.notRegex(chart, /data-series="predicted"/);
    t.regex(page, /no prediction, (?:the machine was busy|it misses measured points by up to 43 %)/);
  });
}

test('a busy machine is said to be one at the head, with its signs', (t) => {
  const says = 'The machine was busy: it swapped; it slept. These figures are not to be trusted.';
  const busy = { ...scalingResults([told]), busy: ['it swapped', 'it slept'] };
  t.is(formatScaling(busy).split('\n')[3], says);
  const [header] = formatPage(busy).split('</header>');
  t.true(header!.includes(says));
  t.notRegex(header!, /Serial share|Predicted/);
  const quiet = { ...busy, busy: [] };
  t.notRegex(formatScaling(quiet) + formatPage(quiet), /machine was busy: /);
});

test('a speed-up that is no share of the multiply-adds is not told as one', (t) => {
  const points = told.points.map((point) => ({ ...point, peakEfficiency: 52.81 }));
  const scaling = scalingResults([{ ...told, points }]);
  for (const text of [formatScaling(scaling), formatPage(scaling).split('<script')[0]!])
    t.notRegex(text, /5,?281/);
});

test('the values have a line a point with every figure under its name', (t) => {
  const [header, ...lines] = formatScalingCsv(results).trimEnd().split('\r\n');
  const names = header!.split(',');
  const [one, two, eight] = lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, column) => [names[column]!, cell])),
  );
  t.is(lines.length, 3);
  t.is(one!.speedUp, '1');
  t.like(two, {
    ...{ kind: 'strong', axis: 'heads', workers: '2', status: 'measured', heads: '2', flop: '25000000' },
    ...{ ms: '22', msLow: '21', msHigh: '23', samples: '1', speedUp: '1.75', speedUpLow: '1.625' },
    ...{ simulatedSpeedUp: '1.9', dispatchMs: '0.25', waitShare: '0.05', projectMs: '11', attendMs: '5.5' },
  });
  t.like(eight, { workers: '8', status: 'predicted beyond the machine', ms: '6.25', speedUp: '' });
  t.is(eight!.simulatedSpeedUp, '6.4');
});
