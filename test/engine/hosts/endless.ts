// A host whose callers call again and again, until their engine is closed under them; they go on even then.
import { createEngine, createXavierWeights, HeadpoolError, type Tensor } from '../../../src/index.js';

const modelDim = 64;
const engine = await createEngine({ kernel: 'wasm', threads: 2, maxQueue: 8, whenFull: 'wait' });
const weights = createXavierWeights({ modelDim, heads: 4 });
const layer = await engine.multiHeadAttention({ heads: 4, weights });

/** @returns once a call was refused or stopped */
async function callOn(x: Tensor): Promise<void> {
  try {
    for (;;) await layer.forward(x);
  } catch (error) {
    if (!(error instanceof HeadpoolError) || error.code !== 'ENGINE_CLOSED') throw error;
  }
}

const inputs = [1, 16, 300, 60_000].map((tokens) => engine.tensor([tokens, modelDim]));
const callers = inputs.flatMap((x) => [x, x, x, x]).map(callOn);
setInterval(() => void callOn(inputs[0]!), 1).unref();
await new Promise((resolve) => setTimeout(resolve, 200));
await engine.close({ timeoutMs: 100 });
await Promise.all(callers);
