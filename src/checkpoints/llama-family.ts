// LLaMA, Mistral, Qwen2 and Qwen3: grouped heads and rotary positions, with windows and norms of queries and keys where
// config.json and the tensors say so.
import { normNames, type Family, type LayerDefaults, type LayerFacts } from './family.js';
import type { ModelConfig } from './model-config.js';
import { namedProjections } from './projections.js';
import { rotaryOf } from './rotary-config.js';

const named = namedProjections({ query: 'q_proj', key: 'k_proj', value: 'v_proj', output: 'o_proj' });

export const llamaFamily: Family = {
  name: 'llama',
  modelTypes: ['llama', 'mistral', 'qwen2', 'qwen3'],
  place: 'self_attn.',
  // q_proj stands beside an out_proj in other families.
  marks: ['o_proj.weight'],
  ...named,
  needs: (has) => [...named.needs(has), ...(normNames.some(has) ? normNames : [])],
  headFields: ['num_attention_heads'],
  defaultsOf: (facts, folder) => {
    const window = windowOf(facts);
    const fields = { base: 'rope_theta', share: 'partial_rotary_factor', defaultShare: 1 };
    const rope = rotaryOf(facts, fields, folder);
    return { causal: true, rope, ...(window !== undefined && { window }) };
  },
  normOf: (tensors, { config }) => {
    const [q, k] = normNames.map((name) => tensors.get(name)?.data);
    const epsilon = config?.number('rms_norm_eps');
    return q && k && { q, k, ...(epsilon !== undefined && { epsilon }) };
  },
};

/** `sliding_window` counts the query's own token, `left` doesn't. */
function windowOf({ config, index }: LayerFacts): LayerDefaults['window'] {
  if (config === undefined || !slides(config, index)) return undefined;
  const width = config.count('sliding_window');
  return width === undefined ? undefined : { left: width - 1 };
}

function slides(config: ModelConfig, index = 0): boolean {
  const isQwen = config.modelType?.startsWith('qwen') ?? false;
  const kind = config.list('layer_types')?.[index] ?? undefined;
  if (kind !== undefined && kind !== 'full_attention' && kind !== 'sliding_attention') {
    throw config.refuse('full_attention or sliding_attention of each layer', 'layer_types');
  }
  if (config.modelType === 'llama' || (isQwen && config.flag('use_sliding_window') !== true)) return false;
  if (kind !== undefined) return kind === 'sliding_attention';
  return !isQwen || index >= (config.count('max_window_layers') ?? 0);
}
