// Layers of whole models, loaded from their checkpoints: their attention is what the model's is, and with the rest of the
// layer around it they lead to the input of the next one.
import { loadLayer, type Engine } from '../../src/index.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { blockOf, type Block } from '../helpers/model-block.js';
import {
  layers,
  modelDim,
  modelNames,
  readModel,
  sequences,
  tolerance,
  type Model,
} from '../helpers/models.js';
import { findDeviation } from '../helpers/tolerance.js';

const engineOf = openEngines();

for (const name of modelNames) {
  testKernels(engineOf, `the layers of ${name} attend and compute as the model does`, async (t, engine) => {
    const model = await readModel(name);
    for (let index = 0; index < layers; index++) {
      const {
        weights,
        heads,
        kvHeads,
        defaults,
        name: layerName,
      } = await loadLayer(model.path, { layer: index });
      using layer = await engine.multiHeadAttention({ heads, kvHeads, weights, ...defaults });
      const block = blockOf(model.config, model.state, layerName);
      for (const n of sequences) {
        const { attention, next } = await compute(model, { engine, layer, block }, `${n}.hidden.${index}`);
        for (const [what, actual] of [
          [`${n}.attentions.${index}`, attention],
          [`${n}.hidden.${index + 1}`, next],
        ] as const) {
          const { absolute, relative } = tolerance;
          t.is(findDeviation(actual, model.expected.get(what)!.data, absolute, relative), undefined, what);
        }
      }
    }
  });
}

interface Parts {
  readonly engine: Engine;
  readonly layer: Awaited<ReturnType<Engine['multiHeadAttention']>>;
  readonly block: Block;
}

async function compute({ expected }: Model, { engine, layer, block }: Parts, hiddenName: string) {
  const hidden = Float64Array.from(expected.get(hiddenName)!.data);
  const x = engine.tensor([hidden.length / modelDim, modelDim], block.before(hidden));
  const { output, weights } = await layer.forward(x, { returnWeights: true });
  return { attention: weights!.data, next: block.after(hidden, Float64Array.from(output.data)) };
}
