// Whole layers of PyTorch's `nn.MultiheadAttention` (batch first), by `presets.torchMultihead` and `weightsFromTorch`.
import type { CrossInputs } from '../attention/layer-call.js';
import { presets, type TorchMultiheadOptions } from '../attention/presets.js';
import { weightsFromTorch } from '../checkpoints/torch.js';
import type { ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import { asMaskOrBias, asTensor } from './case-tensors.js';
import { givenOf } from './prepare-attention.js';

export function prepareTorchMultihead(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('query');
  const key = reader.optionalInput('key') ?? query;
  const value = reader.optionalInput('value');
  const heads = reader.integer('num_heads', 1);
  if (heads === undefined) throw reader.wrongAttribute('an integer >= 1', 'num_heads', heads);
  const modelDim = reader.integer('embed_dim', 1);
  if (modelDim !== query.shape.at(-1))
    throw reader.wrongAttribute('the width of query', 'embed_dim', modelDim);
  const addZeroAttention = reader.flag('add_zero_attn');
  reader.flag('causal_as_mask'); // Tells where the mask came from; it is there.
  const state = new Map([...reader.state()].map(([name, tensor]) => [name, asTensor(tensor)]));
  const mask = reader.optionalInput('attn_mask', 'floats', 'booleans');
  const padding = reader.optionalInput('key_padding_mask', 'floats', 'booleans');
  reader.finish();

  const given = givenOf<TorchMultiheadOptions>({
    attn_mask: mask && asMaskOrBias(mask),
    key_padding_mask: padding && asMaskOrBias(padding),
    num_heads: heads,
    average_attn_weights: false,
  });
  const options = presets.torchMultihead(given);
  const self = asTensor(query);
  const input = givenOf<CrossInputs>({
    query: self,
    key: key === query ? self : asTensor(key),
    value: value && asTensor(value),
  });
  return async (engine) => {
    const weights = weightsFromTorch(state, { addZeroAttention });
    using layer = await engine.multiHeadAttention({ heads, weights });
    const result = await layer.forward(input, options);
    return new Map([
      ['attn_output', result.output],
      ['attn_weights', result.weights!],
    ]);
  };
}
