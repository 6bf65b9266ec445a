// Many random combinations of options on a GPU's fast kernels against the oracle, for `npm run test:deep`.
import { runCombinations, runLayerCombinations } from '../helpers/combination-runs.js';
import { openGpuEngine } from '../helpers/gpu-engine.js';
import { gpuTest } from '../helpers/software-gpu.js';

const engineOf = openGpuEngine('wgsl');
const minutes = 60_000;

gpuTest('4,000 random combinations of options match the oracle', async (t) => {
  t.timeout(60 * minutes);
  await runCombinations(t, engineOf(), { seed: 40_507, count: 4000 });
});

gpuTest('1,000 random combinations of options on layers match the oracle', async (t) => {
  t.timeout(60 * minutes);
  await runLayerCombinations(t, engineOf(), { seed: 40_508, count: 1000 });
});
