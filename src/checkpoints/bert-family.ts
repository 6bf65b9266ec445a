// BERT, and those that keep its names: RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA.
import type { Family } from './family.js';
import { namedProjections } from './projections.js';

export const bertFamily: Family = {
  name: 'bert',
  modelTypes: ['bert', 'roberta', 'xlm-roberta', 'camembert', 'electra'],
  place: 'attention.',
  marks: ['self.query.weight', 'self.key.weight', 'self.value.weight'],
  ...namedProjections({
    query: 'self.query',
    key: 'self.key',
    value: 'self.value',
    output: 'output.dense',
  }),
  // Relative positions, and Longformer's second projections.
  refused: ['self.distance_embedding.weight', 'self.query_global.weight'],
  headFields: ['num_attention_heads'],
  defaultsOf: ({ config }) => {
    const positions = config?.text('position_embedding_type') ?? 'absolute';
    if (positions !== 'absolute') throw config!.refuse('`absolute`', 'position_embedding_type');
    return config?.flag('is_decoder') === true ? { causal: true } : {};
  },
};
