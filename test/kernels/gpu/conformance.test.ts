// The public suites on a GPU's fast kernels, which every case has to have gone through.
import type { CaseResult } from '../../../src/conformance/run-suite.js';
import { runSuite } from '../../../src/conformance/run-suite.js';
import { readSuite } from '../../../src/conformance/suite.js';
import { openGpuEngine } from '../../helpers/gpu-engine.js';
import { gpuTest } from '../../helpers/software-gpu.js';

const engineOf = openGpuEngine('wgsl');
const suites = { 'onnx-attention': 87, 'torch-multihead': 8, extended: 20 } as const;

for (const [name, cases] of Object.entries(suites)) {
  gpuTest(`every case of ${name} passes on the fast kernels, and is computed by them`, async (t) => {
    t.timeout(600_000);
    const engine = engineOf();
    const results: CaseResult[] = [];
    let before = engine.stats().device!;
    for await (const result of runSuite(await readSuite(`test/conformance/${name}`), engine)) {
      const after = engine.stats().device!;
      t.true(after.dispatches > before.dispatches, `${result.name} was dispatched`);
      t.is(after.translatedDispatches, 0);
      before = after;
      results.push(result);
    }
    t.deepEqual(
      results.filter(({ status }) => status !== 'passed'),
      [],
    );
    t.is(results.length, cases);
  });
}
