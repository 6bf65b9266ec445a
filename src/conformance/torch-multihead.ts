// Whole layers of PyTorch's `nn.MultiheadAttention` (batch first) in headpool's terms.
import type { AttentionOptions } from '../attention/options.js';
import type { MaskLike } from '../attention/shared.js';
import { weightsFromTorch } from '../attention/torch-weights.js';
import type { CaseTensor, ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import { asMask, asTensor, combineMasks, flipMask } from './case-tensors.js';

/** Boolean masks: true = ignore, the opposite of headpool. */
export function prepareTorchMultihead(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('query');
  const key = reader.optionalInput('key');
  const value = reader.optionalInput('value');
  const heads = reader.integer('num_heads', 1);
  if (heads === undefined) throw reader.wrongAttribute('an integer >= 1', 'num_heads', heads);
  const modelDim = reader.integer('embed_dim', 1);
  if (modelDim !== query.shape.at(-1))
    throw reader.wrongAttribute('the width of query', 'embed_dim', modelDim);
  const addZeroAttention = reader.flag('add_zero_attn');
  reader.flag('causal_as_mask'); // Tells where the mask came from; it is there.
  const state = new Map([...reader.state()].map(([name, tensor]) => [name, asTensor(tensor)]));
  const masks = {
    attention: reader.optionalInput('attn_mask', 'floats', 'booleans'),
    padding: reader.optionalInput('key_padding_mask', 'booleans'),
  };
  reader.finish();

  const [batch, queries] = query.shape as readonly [number, number];
  const size = { batch, heads, queries, keys: (key ?? query).shape[1]! };
  const options: AttentionOptions = { ...maskOptions(masks, size), returnWeights: true };
  const input =
    key === undefined
      ? asTensor(query)
      : { query: asTensor(query), key: asTensor(key), ...(value && { value: asTensor(value) }) };
  return {
    run: async (engine) => {
      const weights = weightsFromTorch(state, { addZeroAttention });
      using layer = await engine.multiHeadAttention({ heads, weights });
      const result = await layer.forward(input, options);
      return new Map([
        ['attn_output', result.output],
        ['attn_weights', result.weights!],
      ]);
    },
  };
}

interface Size {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
}

function maskOptions(
  {
    attention,
    padding,
  }: { readonly attention: CaseTensor | undefined; readonly padding: CaseTensor | undefined },
  { batch, heads, queries, keys }: Size,
): Pick<AttentionOptions, 'mask' | 'bias'> {
  const options: { mask?: MaskLike; bias?: AttentionOptions['bias'] & object } = {};
  if (attention !== undefined) {
    // [queries, keys], or [batch · heads, queries, keys]
    const shape = attention.shape.length === 3 ? [batch, heads, queries, keys] : attention.shape;
    if (attention.dtype === 'BOOL') options.mask = flipMask(asMask({ ...attention, shape }));
    else options.bias = asTensor({ ...attention, shape });
  }
  if (padding !== undefined) {
    const mask = flipMask(asMask({ ...padding, shape: [batch, 1, 1, keys] }));
    options.mask = options.mask ? combineMasks(options.mask, mask, [batch, heads, queries, keys]) : mask;
  }
  return options;
}
