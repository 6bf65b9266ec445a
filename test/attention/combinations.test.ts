// Random combinations of options, shapes and layouts against the oracle; test/deep/ runs many more of them.
import test from 'ava';
import fc from 'fast-check';
import { anyCombination, type Combination } from '../helpers/any-combination.js';
import { checkCombination, CombinationPools } from '../helpers/combination-checks.js';
import { runCombinations, runLayerCombinations } from '../helpers/combination-runs.js';
import { openEngines, testKernels } from '../helpers/engines.js';

const engineOf = openEngines();
const runs = { seed: 20_254, count: 2000 };

testKernels(engineOf, 'random combinations of options match the oracle', async (t, engine) => {
  await runCombinations(t, engine, runs);
});

testKernels(engineOf, 'random combinations of options on layers match the oracle', async (t, engine) => {
  await runLayerCombinations(t, engine, { ...runs, count: 400 });
});

testKernels(engineOf, 'all options at once match the oracle, also over ranges of keys', async (t, engine) => {
  const pools = new CombinationPools();
  const every: Omit<Combination, 'entries' | 'seed' | 'layout'> = {
    kvHeads: 2,
    group: 2,
    headDim: 6,
    valueDim: 5,
    causal: 'bottom-right',
    softcap: 2,
    window: { left: 6000 },
    alibiSlopes: true,
    sinks: true,
    headScale: true,
    rope: { base: 100, dims: 4 },
    qkNorm: {},
  };
  const several = (lengths: Combination['entries'][number], layout: Combination['layout']) => ({
    ...every,
    layout,
    entries: [lengths, lengths],
    seed: lengths.keys,
  });
  for (const layout of ['rank 4', 'ragged'] as const) {
    const masks = layout === 'ragged' ? {} : { mask: [true, false, true, true], keyLengths: true as const };
    for (const keys of [4097, 9000]) {
      const decoding = several({ queries: 1, keys }, layout);
      await checkCombination(engine, decoding, pools);
      await checkCombination(engine, { ...decoding, ...masks, returnLogSumExp: true }, pools);
      await checkCombination(engine, { ...decoding, headStatistics: true }, pools);
    }
    for (const lengths of [
      { queries: 2, keys: 500 },
      { queries: 100, keys: 130 },
    ]) {
      const all = { ...several(lengths, layout), ...masks, returnLogSumExp: true as const };
      await checkCombination(engine, all, pools);
      await checkCombination(engine, { ...all, headStatistics: true }, pools);
    }
  }
  t.is(pools.findProblem(), undefined);
});

test('the random combinations reach every option, with and without', (t) => {
  const combinations = fc.sample(anyCombination, { seed: runs.seed, numRuns: 300 });
  for (const name of [
    ...(['causal', 'alignment', 'scale', 'softcap', 'window', 'alibiSlopes', 'sinks', 'headScale'] as const),
    ...(['rope', 'qkNorm', 'keyLengths', 'mask', 'bias', 'returnWeights', 'returnScores'] as const),
    ...(['returnLogSumExp', 'headStatistics'] as const),
  ]) {
    for (const layout of ['rank 4', 'rank 3', 'ragged']) {
      const given = combinations.filter((one) => one.layout === layout && name in one).length;
      const all = combinations.filter((one) => one.layout === layout).length;
      const isForDense = ['keyLengths', 'mask', 'bias', 'returnWeights', 'returnScores'].includes(name);
      t.true(given < all, `${layout} without ${name}`);
      t.is(given > 0, !(isForDense && layout === 'ragged'), `${layout} with ${name}`);
    }
  }
});
