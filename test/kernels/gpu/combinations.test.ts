// Random combinations of options on a GPU's fast kernels against the oracle; test/deep/ runs many more of them.
import { runCombinations, runLayerCombinations } from '../../helpers/combination-runs.js';
import { openGpuEngine } from '../../helpers/gpu-engine.js';
import { assertPools } from '../../helpers/precision-pools.js';
import { gpuTest } from '../../helpers/software-gpu.js';

const engineOf = openGpuEngine('wgsl');

gpuTest('200 random combinations of options match the oracle on the fast kernels', async (t) => {
  t.timeout(600_000);
  await runCombinations(t, engineOf(), { seed: 20_254, count: 200 });
  assertPools(t);
});

gpuTest('100 random combinations of options on layers match the oracle on the fast kernels', async (t) => {
  t.timeout(600_000);
  await runLayerCombinations(t, engineOf(), { seed: 20_254, count: 100 });
  assertPools(t);
});
