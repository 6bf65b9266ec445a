// Attention alone, on heads that the caller projected, as phases.
import type { AttentionCall } from '../../attention/attention-call.js';
import type { KernelTraits } from '../../core/protocol/kernels.js';
import { regionOf } from '../../core/tensor/region.js';
import { assembleAttention } from './assemble-attention.js';
import { gather } from './assemble-gather.js';
import { assembleRotation, isRotated } from './assemble-rotation.js';
import type { Assembly, AssemblyContext, PlannedPhase } from './assembly.js';
import { batchMajor, tokenMajor, type HeadOperand } from './head-operand.js';

/**
 * Whether operands are copied into working memory: where they turn, where a head's rows lie apart, and where kernels read
 * keys and values in their arena only; a device has copies of its own.
 */
export function gathers(
  { arena }: Pick<KernelTraits, 'arena'>,
  isContiguous: boolean,
  isTurned: boolean,
): boolean {
  return isTurned || arena === 'webassembly' || (arena === 'plain' && !isContiguous);
}

/**
 * Copies operands into working memory where that is needed or better, turns them there, then attends.
 * @throws MEMORY_LIMIT
 */
export function assembleAlone(call: AttentionCall, context: AssemblyContext): Assembly {
  const { heads, batch, options, outputShape, isBatchMajor } = call;
  const { memory, traits } = context;
  const layOut = (
    { data }: { readonly data: Float32Array<SharedArrayBuffer> },
    count: number,
    tokens: number,
    dims: number,
  ): HeadOperand =>
    isBatchMajor ? batchMajor(regionOf(data), count, tokens, dims) : tokenMajor(regionOf(data), count, dims);
  const { queries, keys } = batch.dense ?? { queries: 0, keys: 0 };
  let query = layOut(call.query, heads.heads, queries, heads.headDim);
  let key = layOut(call.key, heads.kvHeads, keys, heads.headDim);
  let value = layOut(call.value, heads.kvHeads, keys, heads.valueDim);
  const output = options.out ?? memory.createResult(outputShape);

  const phases: PlannedPhase[] = [];
  const isTurned = isRotated(options);
  const isContiguous = key.layout.rowStride === heads.headDim && value.layout.rowStride === heads.valueDim;
  if (gathers(traits, isContiguous, isTurned)) {
    const gathered = gather({ heads, batch, query, key, value, withQuery: isTurned }, memory);
    phases.push(gathered.phase);
    ({ query, key, value } = gathered);
  }
  if (isTurned) phases.push(assembleRotation({ heads, batch, options, query, key }, traits.unitRows));
  const attend = assembleAttention(
    {
      heads,
      batch,
      options,
      query,
      key,
      value,
      output: layOut(output, heads.heads, queries, heads.valueDim),
      extra: null,
      paged: null,
    },
    context,
  );
  return {
    phases: [...phases, ...attend.phases],
    conclude: () => ({ output, ...attend.results.conclude() }),
  };
}
