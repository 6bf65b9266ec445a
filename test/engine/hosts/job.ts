// What a host does with the library: one small layer, one call, and away.
import { createEngine, createXavierWeights } from '../../../src/index.js';

/** The first number of a forward pass that is the same everywhere. */
export async function runOnce(): Promise<number> {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  using layer = await engine.multiHeadAttention({
    heads: 2,
    weights: createXavierWeights({ modelDim: 16, heads: 2, seed: 1 }),
  });
  const x = engine.tensor(
    [20, 16],
    Array.from({ length: 320 }, (_, n) => Math.cos(n)),
  );
  const { output } = await layer.forward(x, { causal: true });
  return output.data[0]!;
}
