// Layers on few query rows and more keys than a range, with keys of their own beside those of the sequence.
import { openEngines, testKernels } from '../helpers/engines.js';
import { checkLayer, layerWeights, type LayerCall } from '../helpers/layer-case.js';
import { once } from '../helpers/once.js';
import { normalTensor, randomMask } from '../helpers/random.js';

const engineOf = openEngines();
const size = { heads: 4, kvHeads: 2, headDim: 6, valueDim: 5, modelDim: 7 };
const inRanges = { returnWeights: false };
const keys = 4200;
const ragged = { offsets: [0, 1, 31, 31, 35], keyOffsets: [0, 100, 150, 160, 4300] };

for (const [title, options] of [
  ['no keys of its own', {}],
  ['a learned key and value', { hasBiasKey: true }],
  ['a key and value of zeros', { addZeroAttention: true }],
  ['a learned key and one of zeros', { hasBiasKey: true, addZeroAttention: true }],
] as const) {
  const widths = { ...size, ...options };

  const calls = once((): LayerCall[] => {
    const layer = { widths, weights: layerWeights(widths) };
    const [query, key] = [normalTensor([2, 1, 7], 3), normalTensor([2, keys, 7], 4)];
    const mask = randomMask([2, 1, 1, keys], 5, 0.5);
    // Query 0 of entry 0 attends nothing of the sequence, that of entry 1 nothing of the first range.
    mask.data.fill(0, 0, keys);
    mask.data.fill(0, 2 * keys, 2 * keys + 4096);
    const one = { ...layer, query: normalTensor([1, 1, 7], 1), key: normalTensor([1, keys, 7], 2) };
    return [
      { ...layer, ...inRanges, query: normalTensor([1, 1, 7], 1), key: normalTensor([1, 0, 7], 2) },
      { ...layer, ...inRanges, query: normalTensor([1, 3, 7], 1), key: normalTensor([1, 5, 7], 2) },
      { ...one, ...inRanges, options: { causal: 'bottom-right' } },
      { ...one, returnWeights: true },
      { ...layer, query, key, ...inRanges, options: { mask } },
      { ...layer, query, key, ...inRanges, options: { keyLengths: [0, 4097] } },
      { ...layer, query: normalTensor([35, 7], 6), key: normalTensor([4300, 7], 7), options: ragged },
    ];
  });

  testKernels(engineOf, `a layer with ${title} attends over ranges of keys`, async (t, engine) => {
    for (const call of calls()) await checkLayer(t, engine, call);
  });
}
