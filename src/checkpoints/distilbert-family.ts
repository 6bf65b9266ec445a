// DistilBERT.
import type { Family } from './family.js';
import { namedProjections } from './projections.js';

export const distilbertFamily: Family = {
  name: 'distilbert',
  modelTypes: ['distilbert'],
  place: 'attention.',
  marks: ['q_lin.weight', 'k_lin.weight', 'v_lin.weight'],
  ...namedProjections({ query: 'q_lin', key: 'k_lin', value: 'v_lin', output: 'out_lin' }),
  headFields: ['n_heads', 'num_attention_heads'],
  defaultsOf: () => ({}),
};
