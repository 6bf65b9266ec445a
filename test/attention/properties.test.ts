// What holds for every attention, whatever its options are; combinations.test.ts holds their numbers against the oracle.
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { AttentionResult, Engine, TensorLike } from '../../src/index.js';
import { attendOracle, type OracleInputs } from '../oracle/oracle.js';
import { anyCombination, type Combination } from '../helpers/any-combination.js';
import { attentionCase } from '../helpers/attention-case.js';
import { combinationCase, type CombinationCase } from '../helpers/combination-case.js';
import { findStatisticsDeviation, statisticsOfWeights } from '../helpers/combination-checks.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { permuteAxis, randomOrder } from '../helpers/rearranged.js';
import { findDeviation } from '../helpers/tolerance.js';
import { without } from '../helpers/without.js';

const engineOf = openEngines();
const runs = { seed: 20_251, numRuns: 120 };

/** Dense batches of rank 4, whose results lie as the oracle's do. */
const anyDense = anyCombination
  .filter(({ layout }) => layout !== 'ragged')
  .map((combination): Combination => ({ ...combination, layout: 'rank 4' }));

/** Checks a combination: what it returns is thrown beside the combination's description. */
type Check = (combination: Combination) => Promise<string | undefined>;

async function checkAll(
  t: ExecutionContext,
  arbitrary: fc.Arbitrary<Combination>,
  check: Check,
): Promise<void> {
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(arbitrary, async (combination) => {
      checked++;
      const problem = await check(combination);
      if (problem !== undefined) throw new Error(`${problem}, ${JSON.stringify(combination)}`);
    }),
    { ...runs, includeErrorInReport: true },
  );
  t.is(checked, runs.numRuns);
}

async function attend(engine: Engine, { inputs }: Pick<CombinationCase, 'inputs'>): Promise<AttentionResult> {
  return engine.attention({ ...inputs, returnWeights: true, returnLogSumExp: true });
}

testKernels(engineOf, 'values of one come out as ones, or as zeros in empty rows', async (t, engine) => {
  const plain = anyDense.map((one) => without(one, 'sinks', 'headScale', 'returnWeights', 'returnScores'));
  await checkAll(t, plain, async (combination) => {
    const { inputs, oracles } = combinationCase(combination);
    inputs.v.data.fill(1);
    const { output, logSumExp } = await attend(engine, { inputs });
    const { valueDim } = oracles[0]!.dims;
    const wanted = Float64Array.from(output.data, (_, n) =>
      logSumExp!.data[Math.floor(n / valueDim)] === -Infinity ? 0 : 1,
    );
    return findDeviation(output.data, wanted, 1e-6, 0);
  });
});

testKernels(
  engineOf,
  'outputs lie between the least and the largest attended value of their column',
  async (t, engine) => {
    await checkAll(t, anyDense, async (combination) => {
      const { inputs, oracles } = combinationCase(combination);
      const { output } = await engine.attention(inputs);
      return findOutside(output.data, oracles[0]!);
    });
  },
);

/** The first output that no weights could have made of the values that its row attends. */
function findOutside(output: ArrayLike<number>, oracle: OracleInputs): string | undefined {
  const { heads, kvHeads, queries, keys, valueDim } = oracle.dims;
  const { weights } = attendOracle(oracle);
  for (let n = 0; n < output.length; n++) {
    const [row, d] = [Math.floor(n / valueDim), n % valueDim];
    const [h, b] = [Math.floor(row / queries) % heads, Math.floor(row / queries / heads)];
    const kvRow = (b * kvHeads + Math.floor((h * kvHeads) / heads)) * keys;
    // A sink is a value of 0, and an empty row has no other.
    const attended = oracle.sinks === undefined ? [] : [0];
    for (let j = 0; j < keys; j++) {
      if (weights[row * keys + j]! > 0) attended.push(oracle.v[(kvRow + j) * valueDim + d]!);
    }
    const ends = (attended.length === 0 ? [0] : attended).map(
      (value) => value * (oracle.headScale?.[h] ?? 1),
    );
    const isInside = output[n]! >= Math.min(...ends) - 1e-6 && output[n]! <= Math.max(...ends) + 1e-6;
    if (!isInside) return `element ${n} is ${output[n]!}, its values ${ends.join(' ')}`;
  }
  return undefined;
}

testKernels(engineOf, 'heads in another order give the same outputs in that order', async (t, engine) => {
  await checkAll(t, anyDense, async (combination) => {
    const { inputs } = combinationCase(combination);
    const { kvHeads, group, seed } = combination;
    const kvOrder = randomOrder(kvHeads, seed);
    // Groups move with their key/value head, and their members among themselves.
    const order = kvOrder.flatMap((kv) => randomOrder(group, seed + kv).map((g) => kv * group + g));
    const pick = (numbers: ArrayLike<number>): number[] => order.map((h) => numbers[h]!);
    const { alibiSlopes, sinks, headScale, mask, bias } = inputs;
    const moved = {
      ...inputs,
      q: permuteAxis(inputs.q, -3, order),
      k: permuteAxis(inputs.k, -3, kvOrder),
      v: permuteAxis(inputs.v, -3, kvOrder),
      ...(mask && { mask: permuteAxis(mask as { shape: number[]; data: Uint8Array }, -3, order) }),
      ...(bias && { bias: permuteAxis(bias, -3, order) }),
      ...(alibiSlopes && { alibiSlopes: pick(alibiSlopes) }),
      ...(sinks && { sinks: pick(sinks) }),
      ...(headScale && { headScale: pick(headScale) }),
    };
    const [plain, permuted] = [await attend(engine, { inputs }), await attend(engine, { inputs: moved })];
    return (
      findDifference('output', permuted.output, permuteAxis(plain.output, -3, order)) ??
      findDifference('weights', permuted.weights!, permuteAxis(plain.weights!, -3, order)) ??
      findDifference('logSumExp', permuted.logSumExp!, permuteAxis(plain.logSumExp!, -2, order))
    );
  });
});

/** Where two tensors are not the same bit by bit. */
function findDifference(what: string, actual: TensorLike, wanted: TensorLike): string | undefined {
  const at = actual.data.findIndex((value, n) => !Object.is(value, wanted.data[n]));
  return at < 0 ? undefined : `${what} ${at} is ${actual.data[at]!} instead of ${wanted.data[at]!}`;
}

testKernels(engineOf, 'keys in another order give the same output', async (t, engine) => {
  const unordered = anyDense.map((one) =>
    without(one, 'causal', 'alignment', 'window', 'alibiSlopes', 'rope', 'keyLengths', 'headStatistics'),
  );
  await checkAll(t, unordered, async (combination) => {
    const { inputs } = combinationCase(combination);
    const order = randomOrder(inputs.k.shape[2]!, combination.seed);
    const { mask, bias } = inputs;
    const moved = {
      ...inputs,
      k: permuteAxis(inputs.k, -2, order),
      v: permuteAxis(inputs.v, -2, order),
      ...(mask && { mask: permuteAxis(mask as { shape: number[]; data: Uint8Array }, -1, order) }),
      ...(bias && { bias: permuteAxis(bias, -1, order) }),
    };
    const [plain, permuted] = [await attend(engine, { inputs }), await attend(engine, { inputs: moved })];
    return (
      findDeviation(permuted.output.data, plain.output.data, 4e-6, 1e-5) ??
      findDeviation(permuted.weights!.data, permuteAxis(plain.weights!, -1, order).data, 4e-6, 1e-5)
    );
  });
});

testKernels(
  engineOf,
  'the first tokens of a causal sequence have the bytes of a shorter one, whatever the options',
  async (t, engine) => {
    const causal = anyDense.map((one): Combination => {
      const tokens = Math.max(2, one.entries[0]!.queries);
      const self = without(one, 'mask', 'bias', 'keyLengths', 'alignment', 'headStatistics', 'returnScores');
      return { ...self, causal: true, entries: [{ queries: tokens, keys: tokens }] };
    });
    await checkAll(t, causal, async (combination) => {
      const { inputs } = combinationCase(combination);
      const [tokens, { rope }] = [inputs.q.shape[2]!, inputs];
      const count = 1 + (combination.seed % (tokens - 1));
      const first = Array.from({ length: count }, (_, n) => n);
      const shorter = {
        ...inputs,
        q: permuteAxis(inputs.q, -2, first),
        k: permuteAxis(inputs.k, -2, first),
        v: permuteAxis(inputs.v, -2, first),
        ...(rope && {
          rope: { ...rope, ...(rope.positions && { positions: rope.positions.slice(0, count) }) },
        }),
      };
      const [whole, part] = [await attend(engine, { inputs }), await attend(engine, { inputs: shorter })];
      return (
        findDifference('output', part.output, permuteAxis(whole.output, -2, first)) ??
        findDifference('logSumExp', part.logSumExp!, permuteAxis(whole.logSumExp!, -1, first))
      );
    });
  },
);

testKernels(
  engineOf,
  'head statistics are those of the weights, and asking for them changes no byte',
  async (t, engine) => {
    const aligned = anyDense.map((one): Combination => {
      const diagonal = typeof one.causal === 'string' ? one.causal : (one.alignment ?? 'top-left');
      return { ...without(one, 'returnWeights', 'returnScores', 'headStatistics'), alignment: diagonal };
    });
    await checkAll(t, aligned, async (combination) => {
      const { inputs, oracles } = combinationCase(combination);
      const plain = await attend(engine, { inputs });
      const asked = await engine.attention({ ...inputs, headStatistics: true });
      const { offset, causalOffset } = oracles[0]!;
      const positionOf = (b: number, i: number): number => i + (offset ?? causalOffset ?? (() => 0))(b);
      const wanted = statisticsOfWeights(plain, positionOf);
      return (
        findStatisticsDeviation(asked.headStatistics!, wanted) ??
        findDifference('output', asked.output, plain.output)
      );
    });
  },
);

testKernels(
  engineOf,
  'adding the same number to all biases of a row changes only its log-sum-exp',
  async (t, engine) => {
    const options = { heads: 2, queries: 9, keys: 70, headDim: 5 };
    const plain = await attend(engine, attentionCase(options));
    const shifted = await attend(
      engine,
      attentionCase({ ...options, bias: { shape: [1], data: Float32Array.of(3) } }),
    );
    t.is(findDeviation(shifted.output.data, plain.output.data), undefined);
    t.is(
      findDeviation(
        shifted.logSumExp!.data,
        plain.logSumExp!.data.map((value) => value + 3),
      ),
      undefined,
    );
  },
);
