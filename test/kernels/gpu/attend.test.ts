// The fused attention of the GPU on a software device, without options: against the float64 oracle.
import { attentionCase, type CaseOptions } from '../../helpers/attention-case.js';
import { checkAttention } from '../../helpers/gpu-attention-checks.js';
import { benchTest } from '../../helpers/shader-bench.js';
import { PrecisionPool } from '../../helpers/tolerance.js';

const kibi = 1024;

const plainShapes: readonly CaseOptions[] = [
  { queries: 1, keys: 1, headDim: 8 },
  { queries: 5, keys: 33, headDim: 8, heads: 3 },
  { queries: 33, keys: 65, headDim: 8, heads: 2, batch: 2 },
  { queries: 31, keys: 64, headDim: 8, heads: 4, kvHeads: 2 },
];

for (const workgroupBytes of [16 * kibi, 32 * kibi]) {
  benchTest(
    `plain attention keeps the precision promise in ${workgroupBytes} bytes of workgroup memory`,
    async (t, bench) => {
      const pool = new PrecisionPool();
      for (const shape of plainShapes)
        await checkAttention(t, bench, attentionCase(shape).oracle, { workgroupBytes }, pool);
      t.is(pool.findProblem(), undefined);
    },
  );
}

benchTest('causal attention, windows and key lengths leave out what they should', async (t, bench) => {
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
    await checkAttention(t, bench, attentionCase({ ...shape, ...options }).oracle, {}, pool);
  }
  t.is(pool.findProblem(), undefined);
});
