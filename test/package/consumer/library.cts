// The same of a program of CommonJS modules.
import headpool = require('headpool');
import { createEngine, type Engine } from 'headpool';

async function main(): Promise<readonly number[]> {
  const engine: Engine = await createEngine({ threads: 1 });
  const weights = headpool.createXavierWeights({ modelDim: 16, heads: 2 });
  const layer: headpool.MultiHeadAttention = await engine.multiHeadAttention({ heads: 2, weights });
  const { output } = await layer.forward(engine.tensor([3, 16]), { causal: 'top-left' });
  await engine.close();
  return output.shape;
}

// @ts-expect-error the number of threads is a number
void createEngine({ threads: '1' });

export = main;
