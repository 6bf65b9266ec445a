// Many random combinations of options against the oracle, for `npm run test:deep`.
import { runCombinations, runLayerCombinations } from '../helpers/combination-runs.js';
import { openEngines, testKernels } from '../helpers/engines.js';

const engineOf = openEngines();
const minutes = 60_000;

testKernels(engineOf, '50,000 random combinations of options match the oracle', async (t, engine) => {
  t.timeout(60 * minutes);
  await runCombinations(t, engine, { seed: 40_507, count: 50_000 });
});

testKernels(
  engineOf,
  '10,000 random combinations of options on layers match the oracle',
  async (t, engine) => {
    t.timeout(60 * minutes);
    await runLayerCombinations(t, engine, { seed: 40_508, count: 10_000 });
  },
);
