// Our side: a work as calls of a layer.
import type { Engine, MultiHeadAttention } from '../../../src/index.js';
import { drawWork, type OpenWork, type Work } from './works.js';

export interface OpenLayer extends OpenWork {
  readonly layer: MultiHeadAttention;
}

export async function openHeadpool(engine: Engine, work: Work): Promise<OpenLayer> {
  const { heads, lengths, cached = 0 } = work;
  const { weights, sequences, prompt } = drawWork(work);
  const layer = await engine.multiHeadAttention({ heads, weights });
  const cache = cached === 0 ? undefined : layer.createCache({ maxTokens: cached + Math.max(...lengths) });
  const options = cache === undefined ? {} : { causal: true, cache };
  if (cache !== undefined) await layer.forward(prompt, options);
  return {
    layer,
    call: async (sequence) => {
      cache?.truncate(cached);
      return (await layer.forward(sequences[sequence]!, options)).output.data;
    },
    [Symbol.asyncDispose]: () => {
      cache?.dispose();
      layer.dispose();
      return Promise.resolve();
    },
  };
}
