// The GPU's attention of one case against the float64 oracle.
import type { ExecutionContext } from 'ava';
import { attendOracle, type OracleInputs } from '../oracle/oracle.js';
import { logSumExpOf, runGpuAttention, type GpuAttentionOptions } from './gpu-attention.js';
import { attendNaive32 } from './naive32.js';
import type { ShaderBench } from './shader-bench.js';
import { findDeviation, type PrecisionPool } from './tolerance.js';

/** Output and log-sum-exp, number by number; the precision promise is the pool's. */
export async function checkAttention(
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
