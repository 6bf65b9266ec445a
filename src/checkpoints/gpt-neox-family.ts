// GPT-NeoX (Pythia): the query, the key and the value of each head side by side, head after head.
import type { Family } from './family.js';
import { linear, linearNamed, unpackByHead } from './linear-parts.js';
import { projectionNamed } from './projections.js';
import { rotaryOf } from './rotary-config.js';

const packed = 'query_key_value.weight';

export const gptNeoxFamily: Family = {
  name: 'gpt_neox',
  modelTypes: ['gpt_neox'],
  place: 'attention.',
  marks: [packed],
  needs: () => [packed, 'dense.weight'],
  optional: ['query_key_value.bias', 'dense.bias'],
  headFields: ['num_attention_heads'],
  projectionsOf: (matrixOf) => {
    const [rows, columns] = matrixOf(packed);
    const third = { tensor: packed, rows: rows / 3, columns };
    return { query: third, key: third, value: third, output: projectionNamed(matrixOf, 'dense') };
  },
  defaultsOf: (facts, folder) => ({
    causal: true,
    rope: rotaryOf(facts, { base: 'rotary_emb_base', share: 'rotary_pct', defaultShare: 0.25 }, folder),
  }),
  weightsOf: (tensors, { heads }) => {
    const bias = tensors.get('query_key_value.bias');
    const biases = bias === undefined ? [] : unpackByHead(bias, heads, 3);
    const [query, key, value] = unpackByHead(tensors.get(packed)!, heads, 3);
    return {
      query: linear(query!, biases[0]),
      key: linear(key!, biases[1]),
      value: linear(value!, biases[2]),
      output: linearNamed(tensors, 'dense'),
    };
  },
};
