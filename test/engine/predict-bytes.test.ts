// What calls are predicted to take of memory is what they take, whatever their shapes and options.
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { describeAttention, type AttentionInputs } from '../../src/attention/attention-call.js';
import { resolveCacheOptions, type CacheOptions } from '../../src/attention/cache-options.js';
import { KeyValueCache } from '../../src/attention/cache.js';
import { describeLayerCall } from '../../src/attention/layer-call.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import { pagesFor } from '../../src/attention/page-table.js';
import { resolveWeights, type MultiHeadWeights } from '../../src/attention/weights.js';
import { createArena, createCountingArena, type Arena } from '../../src/core/tensor/arena.js';
import { cpuTraits } from '../../src/core/protocol/kernels.js';
import { pageTokens } from '../../src/core/protocol/layout.js';
import type { Region } from '../../src/core/tensor/region.js';
import { createTensor, type TensorLike } from '../../src/core/tensor/tensor.js';
import { assembleAlone } from '../../src/engine/assemble/assemble-alone.js';
import { assembleLayer } from '../../src/engine/assemble/assemble-layer.js';
import type { Assembly } from '../../src/engine/assemble/assembly.js';
import { beginUse } from '../../src/engine/assemble/cached-keys.js';
import { packForPlanning } from '../../src/engine/assemble/dry-assembly.js';
import { predictAttention, predictLayer } from '../../src/engine/assemble/predict-bytes.js';
import { WorkingSet } from '../../src/engine/assemble/working-set.js';
import { PageStorage } from '../../src/engine/page-storage.js';
import { anyCombination } from '../helpers/any-combination.js';
import { combinationCase } from '../helpers/combination-case.js';
import { layerCase } from '../helpers/layer-combinations.js';
import { grouped } from '../helpers/cached-case.js';
import { layerWeights } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';

/** An arena that adds up all that is taken of it or beside it. */
class MeteredArena implements Arena {
  readonly isOnDevice = false;
  readonly memory = undefined;
  readonly capacityBytes = Infinity;
  spare = undefined;
  takenBytes = 0;
  readonly #arena = createArena('plain', Infinity);

  get bytesInUse(): number {
    return this.#arena.bytesInUse;
  }

  allocate(length: number): Region {
    this.takenBytes += 4 * length;
    return this.#arena.allocate(length);
  }

  free(region: Region): void {
    this.#arena.free(region);
  }

  refuseOver(byteLength: number): void {
    this.takenBytes += byteLength;
  }
}

const metered = new MeteredArena();

/** What a call takes until its result is complete. */
function measure(assemble: (memory: WorkingSet) => Assembly): number {
  const before = metered.takenBytes;
  const memory = new WorkingSet(metered);
  assemble(memory).conclude();
  memory.release();
  return metered.takenBytes - before;
}

const allTraits = (['plain', 'webassembly'] as const).flatMap((arena) =>
  [96, 40].map((unitRows) => ({ ...cpuTraits, arena, unitRows })),
);

function assertAttention(t: ExecutionContext, inputs: AttentionInputs, label?: string): void {
  const alone = describeAttention(inputs);
  const out = createTensor(alone.outputShape);
  for (const call of [alone, { ...alone, options: { ...alone.options, out } }]) {
    for (const traits of allTraits) {
      const takenBytes = measure((memory) => assembleAlone(call, { memory, traits }));
      t.is(predictAttention(call, traits), takenBytes, label);
    }
  }
}

interface LayerCase {
  readonly weights: MultiHeadWeights;
  readonly heads: number;
  readonly kvHeads: number;
  readonly input: TensorLike | { readonly query: TensorLike; readonly key: TensorLike };
  readonly options: AttentionOptions;
  readonly label?: string;
}

function assertLayer(
  t: ExecutionContext,
  { weights, heads, kvHeads, input, options, label }: LayerCase,
): void {
  const resolved = resolveWeights(weights, heads, kvHeads);
  const layer = packForPlanning(resolved, createCountingArena());
  const alone = describeLayerCall(resolved, input, options, {});
  const out = createTensor(alone.outputShape);
  const gram = alone.options.headStatistics ? layer.output.panels : null;
  for (const call of [alone, { ...alone, options: { ...alone.options, out } }]) {
    for (const traits of allTraits) {
      const takenBytes = measure((memory) =>
        assembleLayer(layer, call, { memory, traits, cacheUse: null, gram }),
      );
      t.is(predictLayer(layer, call, { traits, cacheUse: null }), takenBytes, label);
    }
  }
}

test('any combination of options is predicted to the byte', (t) => {
  for (const combination of fc.sample(anyCombination, { seed: 14, numRuns: 300 })) {
    const label = JSON.stringify(combination);
    assertAttention(t, combinationCase(combination).inputs, label);
    const { kvHeads, group } = combination;
    const { weights, query, key, options } = layerCase(combination);
    const input = key === query ? query : { query, key };
    assertLayer(t, { weights, heads: kvHeads * group, kvHeads, input, options, label });
  }
});

test('so is one query on many keys, whose ranges are put together', (t) => {
  for (const keys of [4096, 4097, 12_289]) {
    for (const returns of [
      {},
      { returnLogSumExp: true },
      { returnWeights: true },
      { headStatistics: true },
    ]) {
      const inputs = {
        q: normalTensor([2, 4, 1, 3], 1),
        k: normalTensor([2, 2, keys, 3], 2),
        v: normalTensor([2, 2, keys, 2], 3),
      };
      assertAttention(t, {
        ...inputs,
        ...returns,
        ...(returns.headStatistics && { alignment: 'bottom-right' }),
      });
    }
  }
  const inputs = {
    q: normalTensor([3, 4], 1),
    k: normalTensor([9500, 2], 2),
    v: normalTensor([9500, 2], 3),
    heads: 2,
    kvHeads: 1,
  };
  assertAttention(t, { ...inputs, offsets: [0, 1, 2, 3], keyOffsets: [0, 300, 4900, 9500] });
});

for (const given of [
  { maxTokens: 9000 },
  { maxTokens: 9000, batch: 2, dtype: 'f16' },
  { maxTokens: 200, rolling: true },
] satisfies CacheOptions[]) {
  test(`so are calls that follow a cache of ${JSON.stringify(given)}`, (t) => {
    const { heads, kvHeads } = grouped;
    const resolved = resolveWeights(layerWeights(grouped), heads, kvHeads!);
    const arena = createArena('plain', Infinity);
    const layer = packForPlanning(resolved, arena);
    const options = resolveCacheOptions(given);
    const storage = new PageStorage(layer, pagesFor({ ...options, pageTokens }), options.dtype, arena);
    const owner = {};
    using cache = new KeyValueCache({ ...options, layer: owner, storage });
    for (const tokens of [1, 130, options.rolling ? 190 : 8500, 1, 3]) {
      const window = options.rolling ? { left: 100 } : {};
      const input = createTensor([options.batch, tokens, grouped.modelDim]);
      const call = describeLayerCall(resolved, input, { cache, causal: true, window }, owner);
      const cacheUse = beginUse(call.caches, call.batch);
      const described = { ...call, batch: cacheUse.batch };
      for (const traits of allTraits) {
        const takenBytes = measure((memory) =>
          assembleLayer(layer, described, { memory, traits, cacheUse, gram: null }),
        );
        t.is(predictLayer(layer, described, { traits, cacheUse }), takenBytes, `${tokens} tokens`);
      }
      cacheUse.commit();
    }
  });
}
