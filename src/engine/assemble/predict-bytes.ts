// What a call will take of memory, told by its shapes before anything is assembled: a few sums, so that a call that
// waits or is refused costs next to nothing. A test holds them against what assemblies do take, byte for byte.
import type { AttentionCall } from '../../attention/attention-call.js';
import type { Batch } from '../../attention/batch.js';
import type { LayerCall } from '../../attention/layer-call.js';
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import { partialFloats } from '../../core/protocol/attention-work.js';
import type { KernelTraits } from '../../core/protocol/kernels.js';
import type { Heads } from '../../core/protocol/layout.js';
import { blockStatistics } from '../../core/protocol/statistics.js';
import type { Shape } from '../../core/tensor/shape.js';
import { isDecoding, keysPerRange, queriesPerUnit } from '../plan/plan-attention.js';
import type { PackedLayer } from './assemble-layer.js';
import { gathers } from './assemble-alone.js';
import { isRotated } from './assemble-rotation.js';
import type { CacheUse } from './cached-keys.js';

type Traits = Pick<KernelTraits, 'unitRows' | 'arena'>;

/** Bytes of working memory and results of a call of a layer, whose batch counts the keys of its caches too. */
export function predictLayer(
  layer: Heads & Pick<PackedLayer, 'extra'>,
  call: Pick<LayerCall, 'batch' | 'options' | 'outputShape' | Inputs>,
  { traits, cacheUse }: { readonly traits: Traits; readonly cacheUse: Pick<CacheUse, 'sequences'> | null },
): number {
  const { heads, kvHeads, headDim, valueDim, extra } = layer;
  const { queryRows, keyRows } = call.batch;
  const projected = (queryRows * heads + keyRows * kvHeads) * (headDim + valueDim);
  const pageNumbers = sum(cacheUse?.sequences ?? [], ({ pages }) => pages.length);
  const results = { ...call, heads: layer, extraKeys: extra?.count ?? 0, hasContributions: true };
  const working = projected + pageNumbers + attentionFloats(results, traits);
  return floatBytes * (working + resultFloats(results)) + copiedBytes(results, call, traits);
}

/** The same of attention alone. */
export function predictAttention(
  call: Pick<AttentionCall, 'heads' | 'batch' | 'options' | 'outputShape' | 'isBatchMajor' | Inputs>,
  traits: Traits,
): number {
  const { heads, batch, options, isBatchMajor } = call;
  const isTurned = isRotated(options);
  const isContiguous = isBatchMajor || heads.kvHeads === 1;
  const isGathered = gathers(traits, isContiguous, isTurned);
  const gathered =
    (isGathered ? batch.keyRows * heads.kvHeads * (heads.headDim + heads.valueDim) : 0) +
    (isTurned ? batch.queryRows * heads.heads * heads.headDim : 0);
  const results = { ...call, extraKeys: 0, hasContributions: false };
  const working = gathered + attentionFloats(results, traits);
  return floatBytes * (working + resultFloats(results)) + copiedBytes(results, call, traits);
}

type Inputs = 'query' | 'key' | 'value';

const floatBytes = 4;

interface Results {
  readonly heads: Heads;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
  readonly outputShape: Shape;
  readonly extraKeys: number;
  /** Whether statistics tell what heads contribute to the output. */
  readonly hasContributions: boolean;
}

/** What attention keeps while it works: partial results of rows over ranges of keys, or sums of blocks of rows. */
function attentionFloats({ heads, batch, options }: Results, { unitRows }: Traits): number {
  const { returnWeights, returnScores, headStatistics } = options;
  if (headStatistics) {
    const queriesPerBlock = queriesPerUnit(heads, unitRows);
    const blocks = heads.heads * sum(batch.entries, ({ queries }) => Math.ceil(queries / queriesPerBlock));
    return (Float64Array.BYTES_PER_ELEMENT / floatBytes) * blocks * blockStatistics;
  }
  if (returnWeights !== null || returnScores !== null) return 0;
  const ranges = sum(batch.entries, (entry) => {
    const isSplit = entry.keys > keysPerRange && isDecoding(entry, heads);
    return isSplit ? Math.ceil(entry.keys / keysPerRange) : 0;
  });
  return ranges * heads.heads * partialFloats(heads.valueDim);
}

function resultFloats({ heads: { heads }, batch, options, ...results }: Results): number {
  const { returnWeights, returnScores, returnLogSumExp, headStatistics, out } = options;
  const { entries, dense, queryRows } = batch;
  // Rows of weights and scores: those of the heads, and those of their mean.
  const hasHeadRows = returnWeights === 'heads' || returnScores === 'probabilities';
  const rowsPerQuery =
    (hasHeadRows ? heads : 0) +
    (returnWeights === 'mean' ? 1 : 0) +
    (returnScores !== null && returnScores !== 'probabilities' ? heads : 0);
  const columns = dense === undefined ? 0 : dense.keys + results.extraKeys;
  // A mean of each sum of a block, but for the count of rows, which divides the others.
  const means = blockStatistics - (results.hasContributions ? 1 : 2);
  return (
    (out === undefined ? results.outputShape.reduce((product, length) => product * length, 1) : 0) +
    rowsPerQuery * queryRows * columns +
    (returnLogSumExp ? heads * queryRows : 0) +
    (headStatistics ? means * entries.length * heads : 0)
  );
}

/** What a device has copies of: what the call reads, and its results on their way to the host. */
function copiedBytes(results: Results, inputs: Pick<LayerCall, Inputs>, { arena }: Traits): number {
  if (arena !== 'device') return 0;
  const { out, rules } = results.options;
  const read = [inputs.query.data, inputs.key.data, inputs.value.data, rules.mask?.data, rules.bias?.data];
  const readBytes = sum([...new Set(read)], (data) => data?.byteLength ?? 0);
  // That of the host is another one than the device's.
  const outBytes = 2 * (out?.data.byteLength ?? 0);
  return readBytes + outBytes + floatBytes * resultFloats(results);
}

function sum<T>(list: readonly T[], numberOf: (item: T) => number): number {
  return list.reduce((total, item) => total + numberOf(item), 0);
}
