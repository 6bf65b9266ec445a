// What config.json says of rotary positions, windows and scales becomes options of the layer, or is refused.
import test, { type ExecutionContext } from 'ava';
import { loadLayer, type LayerDefaults } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { writeModel } from '../helpers/checkpoint-files.js';
import type { ModelName } from '../helpers/models.js';

const gives = test.macro(
  async (t: ExecutionContext, model: ModelName, config: object, wanted: LayerDefaults, layer?: number) => {
    const { defaults } = await loadLayer(await writeModel(t, model, { config }), { layer: layer ?? 1 });
    const { qkNorm, ...others } = defaults;
    t.is(qkNorm === undefined, model !== 'qwen3');
    t.deepEqual(others, wanted);
  },
);

const refuses = test.macro(
  async (t: ExecutionContext, model: ModelName, config: object | null, what: readonly string[]) => {
    const folder = await writeModel(t, model, { config });
    await assertRefused(t, () => loadLayer(folder, { layer: 1, heads: 6 }), { code: 'INVALID_FILE', what });
  },
);

const causal = { causal: true };
const rope = { base: 10_000 };
const none = { rope_theta: null, rope_parameters: null };

test('rope_theta at the top', gives, 'llama', { rope_theta: 5e5 }, { ...causal, rope: { base: 5e5 } });
test(
  'rope_theta in rope_parameters',
  gives,
  'llama',
  { ...none, rope_parameters: { rope_type: 'default', rope_theta: 5e5 } },
  { ...causal, rope: { base: 5e5 } },
);
test(
  'the same rope_theta in both places',
  gives,
  'llama',
  { rope_theta: 5e5, rope_parameters: { rope_theta: 5e5 } },
  { ...causal, rope: { base: 5e5 } },
);
test('rope_theta in neither place is that of transformers', gives, 'llama', none, { ...causal, rope });
test(
  'a part of each head that turns',
  gives,
  'llama',
  { rope_parameters: { rope_theta: 10_000, partial_rotary_factor: 0.5 } },
  { ...causal, rope: { ...rope, dims: 4 } },
);
test(
  'a quarter of each head turns in GPT-NeoX by itself',
  gives,
  'gpt-neox',
  { rotary_pct: null },
  {
    ...causal,
    rope: { ...rope, dims: 2 },
  },
);
test(
  'rope_scaling of the kind default',
  gives,
  'llama',
  { rope_scaling: { type: 'default' } },
  { ...causal, rope },
);

test('two bases that differ', refuses, 'llama', { rope_parameters: { rope_theta: 1e6 } }, [
  '10000, as `rope_theta` says,',
  '`rope_parameters.rope_theta`',
]);
test('parameters without a base', refuses, 'llama', { ...none, rope_parameters: { full_attention: {} } }, [
  '`rope_parameters.rope_theta`',
]);
for (const kind of ['llama3', 'yarn', 'linear', 'dynamic', 'longrope']) {
  test(
    `rope_scaling of the kind ${kind}`,
    refuses,
    'llama',
    { rope_scaling: { rope_type: kind, factor: 8 } },
    ['`rope_scaling.rope_type`', kind],
  );
}
test('rope_scaling by its old name', refuses, 'gpt-neox', { rope_scaling: { type: 'linear', factor: 2 } }, [
  '`rope_scaling.type`',
]);
test('rope_scaling without a kind', refuses, 'llama', { rope_scaling: { factor: 2 } }, [
  '`rope_scaling.rope_type`',
]);
test(
  'scaling in rope_parameters',
  refuses,
  'qwen2',
  { rope_parameters: { rope_type: 'yarn', rope_theta: 1e6 } },
  ['`rope_parameters.rope_type`'],
);
for (const model of ['llama', 'gpt-neox'] as const) {
  test(`${model} without a config.json`, refuses, model, null, ['`config.json`', 'rotary positions']);
}

const window = { left: 4 };
test('a window of w tokens looks w - 1 back', gives, 'mistral-window', {}, { ...causal, rope, window });
test('no window', gives, 'mistral-window', { sliding_window: null }, { ...causal, rope });
test('LLaMA has none, whatever it says', gives, 'llama', { sliding_window: 5 }, { ...causal, rope });
const kinds = (kind: string) => ({ layer_types: ['full_attention', kind, 'full_attention'] });
test('a window of the layers that slide', gives, 'mistral-window', kinds('sliding_attention'), {
  ...{ ...causal, rope, window },
});
test('and of no others', gives, 'mistral-window', kinds('sliding_attention'), { ...causal, rope }, 0);
const qwen = { sliding_window: 5, use_sliding_window: true };
test(
  'Qwen slides from a layer on',
  gives,
  'qwen3',
  { ...qwen, max_window_layers: 1 },
  { ...causal, rope, window },
);
test('and not before', gives, 'qwen3', { ...qwen, max_window_layers: 2 }, { ...causal, rope });
test('nor unless it is told to', gives, 'qwen3', { ...qwen, use_sliding_window: false }, { ...causal, rope });
test('layers of another kind', refuses, 'mistral-window', kinds('chunked_attention'), ['`layer_types`']);

test(
  'GPT-2 may be scaled by the layer',
  gives,
  'gpt2',
  { scale_attn_by_inverse_layer_idx: true },
  {
    ...causal,
    scale: 1 / Math.sqrt(8) / 2,
  },
);
test('or not at all', gives, 'gpt2', { scale_attn_weights: false }, { ...causal, scale: 1 });
test('a decoder of BERT is causal', gives, 'bert', { is_decoder: true }, causal);

test('the norm of queries and keys has the epsilon of the model', async (t) => {
  const { defaults } = await loadLayer(await writeModel(t, 'qwen3', { config: { rms_norm_eps: 1e-5 } }), {
    layer: 0,
  });
  t.is(defaults.qkNorm?.epsilon, 1e-5);
  t.is(defaults.qkNorm?.q.length, 12);
});
