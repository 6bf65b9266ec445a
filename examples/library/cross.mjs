// Five queries that attend four tokens of another sequence each, one of which is masked.
import { createEngine, createXavierWeights } from 'headpool';

const [heads, modelDim] = [4, 32];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const layer = await engine.multiHeadAttention({ heads, weights });

const waves = (tokens) => ({
  shape: [2, tokens, modelDim],
  data: Float32Array.from({ length: 2 * tokens * modelDim }, (_, n) => Math.sin(n + tokens)),
});
const result = await layer.forward(
  { query: waves(5), key: waves(4) }, // without `value`, the keys are the values
  { mask: { shape: [1, 1, 1, 4], data: [true, true, true, false] }, returnWeights: 'mean' },
);
console.log('key 3 is masked: its weight is', result.weights.data[3]);
console.log('output', result.output.shape);

await engine.close();
