// Sequences of different lengths in one call: their rows one after the other, and where each begins.
import { createEngine, createXavierWeights } from 'headpool';

const [heads, modelDim] = [4, 32];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const layer = await engine.multiHeadAttention({ heads, weights });

const offsets = [0, 4, 4, 11];
const rows = Float32Array.from({ length: 11 * modelDim }, (_, n) => Math.sin(n));
const { output } = await layer.forward({ shape: [11, modelDim], data: rows }, { offsets, causal: true });
console.log('3 sequences of 4, 0 and 7 tokens: output', output.shape);

const last = rows.subarray(4 * modelDim);
const alone = await layer.forward({ shape: [7, modelDim], data: last }, { causal: true });
const isSame = alone.output.data.every((number, n) => number === output.data[4 * modelDim + n]);
console.log(`alone and in the batch: ${isSame ? 'the same bytes' : 'different bytes'}`);

await engine.close();
