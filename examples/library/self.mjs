// Self-attention on a batch of two sequences of six tokens, with the weights of each head.
import { createEngine, createXavierWeights } from 'headpool';

const [heads, modelDim] = [4, 32];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const layer = await engine.multiHeadAttention({ heads, weights });

const data = Float32Array.from({ length: 2 * 6 * modelDim }, (_, n) => Math.sin(n));
const result = await layer.forward({ shape: [2, 6, modelDim], data }, { causal: true, returnWeights: true });
console.log('output', result.output.shape, 'weights', result.weights.shape);

const lastRow = result.weights.data.subarray(-6); // of the last query of the last head
console.log(`weights of a row sum to ${lastRow.reduce((sum, weight) => sum + weight, 0).toFixed(3)}`);

await engine.close();
