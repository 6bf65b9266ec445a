// What is wrong with a checkpoint is named: the file, the tensor or the field, and what stands there.
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadLayer, weightsToTorch, writeStateDict, type LoadLayerOptions } from '../../src/index.js';
import { assertRefused, type Refusal } from '../helpers/assertions.js';
import { writeIndex, writeModel, writeShards, type Changes } from '../helpers/checkpoint-files.js';
import { safetensorsFile } from '../files/scratch.js';
import { layerWeights } from '../helpers/layer-case.js';
import { makeFolder } from '../helpers/make-folder.js';
import { modelsFolder, type ModelName } from '../helpers/models.js';
import { normalTensor } from '../helpers/random.js';

const zeros = (...shape: number[]) => normalTensor(shape, 1);

interface Broken extends Changes {
  readonly model: ModelName;
  readonly options?: LoadLayerOptions;
  readonly refusal: Refusal;
}

const refuses = test.macro({
  title: (title) => `refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, { model, options = { layer: 0 }, refusal, ...changes }: Broken) => {
    const folder = await writeModel(t, model, changes);
    await assertRefused(t, () => loadLayer(folder, options), refusal);
  },
});

const q = 'model.layers.0.self_attn.q_proj.weight';
const without = (missing: string) => (name: string) => (name === missing ? undefined : name);

// Which layer.
test('no layer where there are several', refuses, {
  ...{ model: 'bert', options: {} },
  refusal: { code: 'INVALID_OPTION', what: ['`layer`', '`bert.encoder.layer.2.attention`'] },
});
test('a number that no layer has', refuses, {
  ...{ model: 'gpt2', options: { layer: 3 } },
  refusal: { code: 'INVALID_OPTION', what: ['got `3` (number)', '`transformer.h.0.attn`'] },
});
test('a name that no layer has', refuses, {
  ...{ model: 'torch-encoder', options: { layer: 'layers.1.self_atn' } },
  refusal: { code: 'INVALID_OPTION', what: 'did you mean `layers.1.self_attn`?' },
});
test('refused: a number where the only layer has no name', async (t) => {
  const path = join(await makeFolder(t), 'w.safetensors');
  await writeStateDict(path, weightsToTorch(layerWeights({ heads: 4, headDim: 3, modelDim: 12 })));
  const what = 'got `3` (number); its only layer has no name: leave `layer` out';
  await assertRefused(t, () => loadLayer(path, { layer: 3, heads: 4 }), { code: 'INVALID_OPTION', what });
});
test('a name that several layers begin with', refuses, {
  ...{ model: 'torch-encoder', options: { layer: 'layers' } },
  refusal: { code: 'INVALID_OPTION', what: ['a single one', '`layers.2.self_attn`'] },
});
test('a number that two stacks have', refuses, {
  model: 'torch-encoder',
  tensors: { 'decoder.layers.0.self_attn.in_proj_weight': zeros(144, 48) },
  refusal: { code: 'INVALID_OPTION', what: ['`decoder.layers.0.self_attn`', '`layers.0.self_attn`'] },
});
test('an option that there is none of', refuses, {
  ...{ model: 'bert', options: { layr: 0 } as object },
  refusal: { code: 'UNKNOWN_OPTION', what: 'did you mean `layer`' },
});

// Which family.
test('a file without layers that anybody knows', refuses, {
  model: 'bert',
  rename: (name) => name.replace('.self.', '.selves.'),
  refusal: { code: 'INVALID_WEIGHTS', what: ['torch, bert', '`bert.embeddings.word_embeddings.weight`'] },
});
test("a model whose names are another family's", refuses, {
  ...{ model: 'llama', config: { model_type: 'gemma2' } },
  refusal: { code: 'INVALID_FILE', what: ['config.json', '`model_type`', 'llama, mistral', '"gemma2"'] },
});
test('relative positions of BERT', refuses, {
  ...{ model: 'bert', config: { position_embedding_type: 'relative_key' } },
  refusal: { code: 'INVALID_FILE', what: ['`position_embedding_type`', 'relative_key'] },
});
test('a tensor of BERT that makes its layers compute something else', refuses, {
  model: 'bert',
  tensors: { 'bert.encoder.layer.0.attention.self.distance_embedding.weight': zeros(127, 8) },
  refusal: { code: 'INVALID_WEIGHTS', what: 'distance_embedding.weight' },
});
test('addZeroAttention of a layer that is none of PyTorch', refuses, {
  ...{ model: 'bert', options: { layer: 0, addZeroAttention: true } },
  refusal: { code: 'INVALID_OPTION', what: '`addZeroAttention`' },
});

// Heads.
test('other heads than config.json says', refuses, {
  ...{ model: 'bert', options: { layer: 0, heads: 8 } },
  refusal: { code: 'INVALID_OPTION', what: ['Expected 6 for `heads`', 'num_attention_heads', 'got `8`'] },
});
test('other key/value heads than the shapes tell', refuses, {
  ...{ model: 'llama', options: { layer: 0, kvHeads: 3 } },
  refusal: { code: 'INVALID_OPTION', what: ['Expected 2 for `kvHeads`', 'got `3`'] },
});
test('heads that are no count', refuses, {
  ...{ model: 'bert', options: { layer: 0, heads: 0 } },
  refusal: { code: 'INVALID_OPTION', what: 'an integer >= 1 for `heads`' },
});
test('heads that nothing tells', refuses, {
  ...{ model: 'torch-encoder', config: null },
  refusal: { code: 'INVALID_OPTION', what: ['`heads` (--heads)', 'config.json'] },
});
test('heads that do not divide the projections', refuses, {
  ...{ model: 'torch-encoder', config: null, options: { layer: 0, heads: 5 } },
  refusal: { code: 'INVALID_OPTION', what: ['heads 5 and width 48', '`layers.0.self_attn.in_proj_weight`'] },
});
test('heads of config.json that do not divide them', refuses, {
  ...{ model: 'gpt2', config: { n_head: 7 } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['heads 7 and width 48', 'c_attn.weight'] },
});
test('a file and a config.json that disagree', refuses, {
  ...{ model: 'torch-encoder', metadata: new Map([['heads', '8']]) },
  refusal: { code: 'INVALID_WEIGHTS', what: ['got 8 by its metadata', '6 by `num_attention_heads`'] },
});
test('a config.json with other key/value heads than the shapes', refuses, {
  ...{ model: 'llama', config: { num_key_value_heads: 6 } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['2 by the shapes', '6 by `num_key_value_heads`'] },
});
test('a head_dim that other heads follow from', refuses, {
  ...{ model: 'llama', config: { head_dim: 16 } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['6 by `num_attention_heads`', '3 by `head_dim`'] },
});
test('heads in words', refuses, {
  ...{ model: 'bert', config: { num_attention_heads: 'six' } },
  refusal: { code: 'INVALID_FILE', what: ['an integer >= 1 for `num_attention_heads`', '"six"'] },
});

// Tensors.
test('a missing tensor', refuses, {
  ...{ model: 'llama', rename: without(q) },
  refusal: { code: 'INVALID_WEIGHTS', what: [`a tensor for \`${q}\``, 'k_proj.weight'] },
});
test('a tensor of other axes', refuses, {
  ...{ model: 'llama', tensors: { [q]: zeros(48, 6, 8) } },
  refusal: { code: 'INVALID_WEIGHTS', what: [`two axes for \`${q}\``, '[48, 6, 8]'] },
});
test('a packed tensor that is no three parts', refuses, {
  ...{ model: 'gpt2', tensors: { 'transformer.h.0.attn.c_attn.weight': zeros(48, 145) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['c_attn.weight', '[48, 145]'] },
});
test('a packed tensor of PyTorch that has no rows for keys', refuses, {
  ...{ model: 'torch-encoder', tensors: { 'layers.0.self_attn.in_proj_weight': zeros(48, 48) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['in_proj_weight', '[48, 48]'] },
});
test('an output of another width', refuses, {
  ...{ model: 'llama', tensors: { 'model.layers.0.self_attn.o_proj.weight': zeros(48, 50) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['48 columns', 'o_proj.weight', '`50`'] },
});
test('values that are no whole heads', refuses, {
  ...{ model: 'llama', tensors: { 'model.layers.0.self_attn.v_proj.weight': zeros(15, 48) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['v_proj.weight', '`15`'] },
});
test('a bias of another length', refuses, {
  ...{ model: 'qwen2', tensors: { 'model.layers.0.self_attn.k_proj.bias': zeros(48) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['16 numbers', 'k_proj.bias', '[48]'] },
});
test('a norm of another width', refuses, {
  ...{ model: 'qwen3', tensors: { 'model.layers.0.self_attn.k_norm.weight': zeros(24) } },
  refusal: { code: 'INVALID_WEIGHTS', what: ['12 numbers', 'k_norm.weight', '[24]'] },
});
test('a norm of the queries alone', refuses, {
  ...{ model: 'qwen3', rename: without('model.layers.0.self_attn.k_norm.weight') },
  refusal: { code: 'INVALID_WEIGHTS', what: ['a tensor', 'k_norm.weight'] },
});

test('weights in integers are refused', async (t) => {
  const path = join(await makeFolder(t), 'a.safetensors');
  const entry = (shape: number[], begin: number) => {
    return { dtype: 'I8', shape, data_offsets: [begin, begin + shape[0]! * shape[1]!] };
  };
  const header = { in_proj_weight: entry([12, 4], 0), 'out_proj.weight': entry([4, 4], 48) };
  await writeFile(path, safetensorsFile(header, 64));
  const what = ['F32, F16, BF16 or F64', '`in_proj_weight`', 'I8'];
  await assertRefused(t, () => loadLayer(path, { heads: 2 }), { code: 'INVALID_WEIGHTS', path, what });
});

// Shards.
const shard = 'model-00002-of-00003.safetensors';

test('a missing shard is named', async (t) => {
  const folder = await writeShards(t, 'bert', 3);
  await rm(join(folder, shard));
  await assertRefused(t, () => loadLayer(folder, { layer: 0 }), {
    code: 'FILE_FAILED',
    path: join(folder, shard),
  });
});

test('a damaged shard is named', async (t) => {
  const folder = await writeShards(t, 'bert', 3);
  await truncate(join(folder, shard), 5000);
  await assertRefused(t, () => loadLayer(folder, { layer: 0 }), {
    code: 'INVALID_FILE',
    path: join(folder, shard),
  });
});

test('a tensor that its shard does not hold is named', async (t) => {
  const folder = await writeShards(t, 'bert', 3);
  await writeIndex(folder, { stranger: shard });
  const refusal = { code: 'INVALID_FILE', path: join(folder, shard), what: '`stranger`' } as const;
  await assertRefused(t, () => loadLayer(folder, { layer: 0 }), refusal);
});

test('an index that leads to somewhere else, or nowhere, is refused', async (t) => {
  const folder = await makeFolder(t);
  for (const place of ['../model.safetensors', '/etc/passwd', 'model.bin', 3]) {
    const path = await writeIndex(folder, { weight: place });
    await assertRefused(t, () => loadLayer(path), {
      code: 'INVALID_FILE',
      path,
      what: '`weight_map.weight`',
    });
  }
  const path = join(folder, 'model.safetensors.index.json');
  for (const [text, what] of [
    ['{', 'expected JSON'],
    ['[]', 'a JSON object'],
    ['{}', '`weight_map`'],
  ] as const) {
    await writeFile(path, text);
    await assertRefused(t, () => loadLayer(path), { code: 'INVALID_FILE', path, what });
  }
});

test('a config.json that is none is refused', async (t) => {
  const folder = await writeModel(t, 'bert');
  const path = join(folder, 'config.json');
  await writeFile(path, '{ "model_type": ');
  await assertRefused(t, () => loadLayer(folder, { layer: 0 }), {
    code: 'INVALID_FILE',
    path,
    what: 'expected JSON',
  });
  await rm(path);
  await assertRefused(t, () => loadLayer(join(modelsFolder, 'llama/config.json')), {
    code: 'INVALID_FILE',
    what: '.safetensors.index.json',
  });
});
