// The fused attention of the GPU on a software device: against the float64 oracle, and its bytes against its own.
import test, { type ExecutionContext } from 'ava';
import { attendOracle, type OracleInputs } from '../../oracle/oracle.js';
import { attentionCase, type CaseOptions } from '../../helpers/attention-case.js';
import { logSumExpOf, runGpuAttention, type GpuAttentionOptions } from '../../helpers/gpu-attention.js';
import { attendNaive32 } from '../../helpers/naive32.js';
import { openShaderBench, type ShaderBench } from '../../helpers/shader-bench.js';
import { findDeviation, PrecisionPool } from '../../helpers/tolerance.js';

const opened = await openShaderBench();

/** A test on the device, left out with the reason where there is none. */
function gpuTest(title: string, run: (t: ExecutionContext, bench: ShaderBench) => Promise<void>): void {
  if ('reason' in opened) test.skip(`${title} (${opened.reason})`, () => undefined);
  else test.serial(title, (t) => run(t, opened));
}

const kibi = 1024;

async function check(
  t: ExecutionContext,
  bench: ShaderBench,
  inputs: OracleInputs,
  options: GpuAttentionOptions,
  pool: PrecisionPool,
): Promise<void> {
  const label = JSON.stringify([inputs.dims, options]);
  const actual = await runGpuAttention(bench, inputs, options);
  const [oracle, naive] = [attendOracle(inputs), attendNaive32(inputs)];
  t.is(findDeviation(actual.output, oracle.output), undefined, label);
  t.is(findDeviation(logSumExpOf(actual), oracle.logSumExp), undefined, `logSumExp ${label}`);
  pool.add({ actual: actual.output, oracle: oracle.output, naive: naive.output }, label);
}

const plainShapes: readonly CaseOptions[] = [
  { queries: 1, keys: 1, headDim: 8 },
  { queries: 5, keys: 33, headDim: 8, heads: 3 },
  { queries: 33, keys: 65, headDim: 8, heads: 2, batch: 2 },
  { queries: 31, keys: 64, headDim: 8, heads: 4, kvHeads: 2 },
];

for (const workgroupBytes of [16 * kibi, 32 * kibi]) {
  gpuTest(
    `plain attention keeps the precision promise in ${workgroupBytes} bytes of workgroup memory`,
    async (t, bench) => {
      const pool = new PrecisionPool();
      for (const shape of plainShapes)
        await check(t, bench, attentionCase(shape).oracle, { workgroupBytes }, pool);
      t.is(pool.findProblem(), undefined);
    },
  );
}

gpuTest('causal attention, windows and key lengths leave out what they should', async (t, bench) => {
  const pool = new PrecisionPool();
  const shape = { queries: 40, keys: 70, heads: 2, batch: 2, headDim: 8 };
  for (const options of [
    { causal: 'top-left' },
    { causal: 'bottom-right' },
    { window: { left: 3, right: 40 } },
    { window: { left: 0 }, alignment: 'bottom-right' },
    { causal: 'bottom-right', keyLengths: [70, 33] },
    { keyLengths: [0, 1], causal: 'top-left' },
  ] as const) {
    await check(t, bench, attentionCase({ ...shape, ...options }).oracle, {}, pool);
  }
  t.is(pool.findProblem(), undefined);
});
