// The second pass of the GPU's attention on a bench of shaders: weights, scores and statistics of the oracle's inputs.
import { attendBindings, attendShader } from '../../workers/kernels/gpu/attend/attend.js';
import type { ScoreStage } from '../../src/core/protocol/score-rules.js';
import {
  inspectBindings,
  inspectShader,
  type Inspected,
  type InspectForm,
} from '../../workers/kernels/gpu/attend/inspect.js';
import { groupsOf, planAttend, planInspect } from '../../workers/kernels/gpu/attend/plan.js';
import {
  rowStatisticsBindings,
  rowStatisticsShader,
  statisticsOfRow,
} from '../../workers/kernels/gpu/attend/row-statistics.js';
import type { OracleInputs } from '../oracle/oracle.js';
import { gpuAttentionCase, type GpuAttentionCase, type GpuAttentionOptions } from './gpu-attention.js';
import type { BenchBuffer, ShaderBench } from './shader-bench.js';

type Named = Readonly<Record<string, BenchBuffer>>;

/** The first pass, and the buffers as it leaves them. */
async function attend(bench: ShaderBench, { form, given, buffers }: GpuAttentionCase): Promise<Named> {
  const plan = planAttend(form, given);
  const bound = attendBindings(form);
  const named: Named = { ...buffers, table: plan.table.words, memory: plan.memoryLength };
  const results = await bench.run(
    attendShader(form),
    [{ uniform: plan.uniform(), groups: groupsOf(plan.table.tiles) }],
    bound.map(({ name }) => named[name] ?? plan.table.words),
  );
  const after = Object.fromEntries(bound.map(({ name }, n) => [name, results[n]!]));
  return { ...buffers, output: after['output']!, rowState: after['memory']! };
}

/** [batch, heads, queries, columns], or without the heads where they are added. */
export async function inspectGpu(
  bench: ShaderBench,
  inputs: OracleInputs,
  { writes, stage = 'biased' }: { readonly writes: Inspected; readonly stage?: ScoreStage },
  options: GpuAttentionOptions = {},
): Promise<Float32Array> {
  const { dims, extra } = inputs;
  const made = gpuAttentionCase(inputs, options);
  const isAdded = writes === 'addedWeights';
  const columns = dims.keys + (extra?.count ?? 0);
  const form: InspectForm = { ...made.form, writes };
  const heads = isAdded ? 1 : dims.heads;
  const plan = planInspect(form, made.given, {
    offset: 0,
    entryStride: heads * dims.queries * columns,
    headStride: dims.queries * columns,
    rowStride: columns,
    columnStride: 1,
    extraColumn: dims.keys,
    share: isAdded ? 1 / dims.heads : 1,
    isAdded,
    stage,
  });
  const length = dims.batch * heads * dims.queries * columns;
  const named: Named = {
    ...(await attend(bench, made)),
    table: plan.table.words,
    columns: new Float32Array(length).fill(7),
  };
  const bound = inspectBindings(form);
  const results = await bench.run(
    inspectShader(form),
    [{ uniform: plan.uniform, groups: groupsOf(plan.table.tiles) }],
    bound.map(({ name }) => named[name] ?? plan.table.words),
  );
  return new Float32Array(results.at(-1)!.buffer).subarray(0, length);
}

/** [batch, heads, queries, statisticsOfRow] */
export async function gpuRowStatistics(
  bench: ShaderBench,
  inputs: OracleInputs,
  options: GpuAttentionOptions = {},
): Promise<Float32Array> {
  const { batch, heads, queries } = inputs.dims;
  const made = gpuAttentionCase(inputs, options);
  const plan = planInspect(made.form, made.given, null);
  const length = batch * heads * queries * statisticsOfRow;
  const named: Named = { ...(await attend(bench, made)), table: plan.table.words, statistics: length };
  const bound = rowStatisticsBindings(made.form);
  const results = await bench.run(
    rowStatisticsShader(made.form),
    [{ uniform: plan.uniform, groups: groupsOf(plan.table.tiles) }],
    bound.map(({ name }) => named[name] ?? plan.table.words),
  );
  return new Float32Array(results.at(-1)!.buffer).subarray(0, length);
}
