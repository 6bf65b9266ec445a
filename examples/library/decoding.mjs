// A prompt of three tokens, then three more one by one from a cache; the same at once for comparison.
import { createEngine, createXavierWeights } from 'headpool';

const [heads, modelDim, tokens] = [4, 32, 6];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const layer = await engine.multiHeadAttention({ heads, weights, causal: true, rope: { base: 10_000 } });

const data = Float32Array.from({ length: tokens * modelDim }, (_, n) => Math.sin(n));
const rowsOf = (from, to) => ({
  shape: [to - from, modelDim],
  data: data.subarray(from * modelDim, to * modelDim),
});
const atOnce = await layer.forward(rowsOf(0, tokens));

const cache = layer.createCache({ maxTokens: 128 });
await layer.forward(rowsOf(0, 3), { cache });
let apart = 0;
for (let token = 3; token < tokens; token++) {
  const { output } = await layer.forward(rowsOf(token, token + 1), { cache });
  const whole = atOnce.output.data.subarray(token * modelDim, (token + 1) * modelDim);
  apart = Math.max(apart, ...output.data.map((number, n) => Math.abs(number - whole[n])));
}
console.log(`token by token and at once: ${apart.toFixed(3)} apart`);
console.log('cached tokens', cache.tokens);

await engine.close();
