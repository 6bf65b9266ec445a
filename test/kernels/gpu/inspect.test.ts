// The second pass of the GPU's attention on a software device: weights, scores and statistics against the float64 oracle.
import { blockStatistic, rowStatistic } from '../../../src/core/protocol/statistics.js';
import { statisticsOfRow } from '../../../workers/kernels/gpu/attend/row-statistics.js';
import { attendOracle, type OracleInputs } from '../../oracle/oracle.js';
import { attentionCase } from '../../helpers/attention-case.js';
import { gpuRowStatistics, inspectGpu } from '../../helpers/gpu-inspection.js';
import { attendNaive32 } from '../../helpers/naive32.js';
import { normalTensor, randomMask } from '../../helpers/random.js';
import { benchTest } from '../../helpers/shader-bench.js';
import { findDeviation, PrecisionPool } from '../../helpers/tolerance.js';

const shape = { batch: 2, heads: 4, kvHeads: 2, queries: 21, keys: 50, headDim: 8, valueDim: 4 };

/** Masked, causal, sloped, of two lengths, with extra keys. */
function manyRules(): OracleInputs {
  const { oracle } = attentionCase({
    ...shape,
    causal: 'bottom-right',
    window: { left: 30 },
    keyLengths: [50, 31],
    alibiSlopes: [0.5, 0.25, 0, 1],
    mask: randomMask([4, 21, 50], 8),
  });
  const extra = { count: 2, k: normalTensor([2, 2, 8], 21).data, v: normalTensor([2, 2, 4], 22).data };
  return { ...oracle, extra };
}

benchTest('weights of every head, 0 where left out', async (t, bench) => {
  const pool = new PrecisionPool();
  for (const inputs of [manyRules(), attentionCase({ ...shape, causal: 'top-left' }).oracle]) {
    const actual = await inspectGpu(bench, inputs, { writes: 'weights' });
    const oracle = attendOracle(inputs).weights;
    t.is(findDeviation(actual, oracle), undefined);
    pool.add({ actual, oracle, naive: attendNaive32(inputs).weights });
  }
  t.is(pool.findProblem(), undefined);
});

benchTest('weights with a sink, and NaN where a row is poisoned', async (t, bench) => {
  const { oracle } = attentionCase({ queries: 5, keys: 40, headDim: 8, sinks: [1] });
  const q = Float32Array.from(oracle.q, (value, n) => (n === 9 ? NaN : value));
  const actual = await inspectGpu(bench, { ...oracle, q }, { writes: 'weights' });
  t.true(actual.slice(40, 80).every(Number.isNaN));
  const wanted = attendOracle(oracle).weights;
  t.is(findDeviation(actual.slice(80), wanted.slice(80)), undefined);
});

benchTest('the mean of the weights over the heads', async (t, bench) => {
  const inputs = manyRules();
  const actual = await inspectGpu(bench, inputs, { writes: 'addedWeights' });
  const perHead = attendOracle(inputs).weights;
  const length = 21 * 52;
  const wanted = Float64Array.from({ length: 2 * length }, (_, n) => {
    const start = Math.floor(n / length) * 4 * length + (n % length);
    return [0, 1, 2, 3].reduce((sum, h) => sum + perHead[start + h * length]! / 4, 0);
  });
  t.is(findDeviation(actual, wanted), undefined);
});

for (const stage of ['scaled', 'softcapped', 'biased'] as const) {
  benchTest(`scores as they are when ${stage}`, async (t, bench) => {
    const inputs = { ...manyRules(), softcap: 3 };
    const actual = await inspectGpu(bench, inputs, { writes: 'scores', stage });
    t.is(findDeviation(actual, attendOracle(inputs).scores(stage)), undefined);
  });
}

benchTest('statistics of rows, from the probabilities of the oracle', async (t, bench) => {
  for (const inputs of [manyRules(), attentionCase({ ...shape, causal: 'top-left' }).oracle]) {
    const actual = await gpuRowStatistics(bench, inputs);
    const wanted = rowStatisticsOf(inputs);
    t.is(findDeviation(actual, wanted), undefined);
  }
});

benchTest('rows that attend nothing have statistics of 0, poisoned ones NaN', async (t, bench) => {
  const { oracle } = attentionCase({ queries: 5, keys: 40, headDim: 8, causal: 'top-left' });
  const q = Float32Array.from(oracle.q, (value, n) => (n === 33 ? NaN : value));
  const actual = await gpuRowStatistics(bench, { ...oracle, q, causalOffset: () => -2 });
  t.deepEqual(
    [...actual.slice(0, 18)],
    Array.from({ length: 18 }, () => 0),
  );
  const poisoned = actual.slice(4 * statisticsOfRow);
  for (const field of ['entropy', 'distance', 'first', 'self', 'previous', 'largest'] as const) {
    t.true(Number.isNaN(poisoned[rowStatistic[field]]), field);
  }
  t.is(poisoned[rowStatistic.next], 0, 'the key after it is left out');
  t.is(poisoned[rowStatistic.hasAttended], 1);
  t.true(Number.isNaN(poisoned[blockStatistic.outputNorm]));
});

/** [rows, statisticsOfRow] in float64. */
function rowStatisticsOf(inputs: OracleInputs): Float64Array {
  const { weights, output } = attendOracle(inputs);
  const { batch, heads, queries, keys, valueDim } = inputs.dims;
  const columns = keys + (inputs.extra?.count ?? 0);
  const wanted = new Float64Array(batch * heads * queries * statisticsOfRow);
  for (let row = 0; row < batch * heads * queries; row++) {
    const [b, i] = [Math.floor(row / queries / heads), row % queries];
    const position = i + (inputs.offset ?? inputs.causalOffset ?? (() => 0))(b);
    const p = weights.subarray(row * columns, (row + 1) * columns);
    const of = (j: number): number => (j >= 0 && j < keys ? p[j]! : 0);
    const to = wanted.subarray(row * statisticsOfRow);
    for (const [j, share] of p.entries()) {
      if (share === 0) continue;
      to[rowStatistic.entropy]! -= share * Math.log(share);
      if (j < keys) to[rowStatistic.distance]! += share * Math.abs(position - j);
      to[rowStatistic.largest] = Math.max(to[rowStatistic.largest]!, share);
      to[rowStatistic.hasAttended] = 1;
    }
    to[rowStatistic.first] = of(0);
    to[rowStatistic.self] = of(position);
    to[rowStatistic.previous] = of(position - 1);
    to[rowStatistic.next] = of(position + 1);
    to[blockStatistic.outputNorm] = Math.hypot(...output.subarray(row * valueDim, (row + 1) * valueDim));
  }
  return wanted;
}
