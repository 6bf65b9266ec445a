// Scaling results as text and as comma-separated values: every figure in its place, and what is predicted marked so.
import test from 'ava';
import type { ScalingPoint, ScalingResults } from '../../../src/measure/scaling/results.js';
import { summarise } from '../../../src/measure/statistics.js';
import { describeAmdahl, describeUniversal } from '../../../src/measure/report/fits.js';
import { formatScaling, formatScalingCsv } from '../../../src/measure/report/scaling-table.js';

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
      ...{ predictionError: 0.0857, amdahl: { serial: 0.1429, deviation: 0.001 }, universal: null },
    },
  ],
};

test('the table has a row a point, predicted ones marked and their speed-ups apart', (t) => {
  const lines = formatScaling(results).split('\n');
  t.regex(lines[0]!, /^T: headpool 1\.2\.3, kernel native \(AVX2\), node 20$/);
  t.regex(lines[2]!, /1 … 2 workers: 50\.0, 95\.5 GFLOP\/s/);
  t.is(lines[4], 'strong scaling by heads: the same work');
  const [header, one, two, eight] = lines.slice(5, 9).map((line) => line.trim().split(/ {2,}/));
  const names = ['workers', 'work', 'ms', 'speed-up', '95 %', 'simulated', 'efficiency', 'of peak'];
  t.deepEqual(header, [...names, 'project ms', 'attend ms', 'dispatch ms', 'waiting']);
  const shape = '1 x 96 tokens, 2 heads, 25.0 MFLOP';
  t.deepEqual(one!.slice(0, 5), ['1', shape, '40.0', '1.00', '1.00']);
  t.deepEqual(two, [
    ...['2', shape, '22.0', '1.75', '1.63 - 1.88', '1.90', '87.5 %', '97.2 %'],
    ...['11.0', '5.50', '0.25', '5.0 %'],
  ]);
  t.deepEqual(eight, ['8', '(predicted, beyond this machine)', '6.25', '6.40', '80.0 %']);
  t.is(lines.at(-1), 'The simulated speed-ups are off by at most 8.6 % of the measured ones.');
});

test('a fit is a sentence with its parameters', (t) => {
  t.is(
    describeAmdahl({ serial: 0.02, deviation: 0.004 }),
    "Amdahl's law: 2.00 % of the work is serial: never more than 50 times one worker; the points are 0.4 % off it.",
  );
  t.is(
    describeAmdahl({ serial: 0, deviation: 0 }),
    "Amdahl's law: 0.00 % of the work is serial; the points are 0.0 % off it.",
  );
  t.regex(describeAmdahl(null), /two points or more/);
  t.is(
    describeUniversal({ contention: 0.01, coherence: 0.0004, peakWorkers: 49.7, deviation: 0.01 }),
    'Universal scalability law: contention 1.00 %, coherence 0.0400 %: more than 50 workers would be slower; ' +
      'the points are 1.0 % off it.',
  );
  t.notRegex(describeUniversal({ contention: 0, coherence: 0, peakWorkers: null, deviation: 0 }), /slower/);
  t.regex(describeUniversal(null), /three points or more/);
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
