// Layers of checkpoints in whatever form they come: under other prefixes, in shards, as other floats; chosen by number or
// by name.
import { mkdir, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadLayer, weightsToTorch, writeStateDict, type LoadedLayer } from '../../src/index.js';
import { decodeF16, encodeF16 } from '../../src/core/tensor/dtype.js';
import { shareFloats } from '../../src/attention/share-operands.js';
import { float32Bytes, safetensorsFile } from '../files/scratch.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { halvesFile, writeModel, writeShards } from '../helpers/checkpoint-files.js';
import { layerWeights } from '../helpers/layer-case.js';
import { makeFolder } from '../helpers/make-folder.js';
import { modelNames, models, modelsFolder, readModel, type ModelName } from '../helpers/models.js';
import { normalTensor } from '../helpers/random.js';

const pathOf = (name: ModelName): string => join(modelsFolder, name);

function assertSameLayer(t: ExecutionContext, actual: LoadedLayer, wanted: LoadedLayer): void {
  const facts = ({ family, index, heads, kvHeads, headDim, defaults }: LoadedLayer) => {
    const { qkNorm, ...others } = defaults;
    const norm = qkNorm && { ...qkNorm, q: Array.from(qkNorm.q), k: Array.from(qkNorm.k) };
    return { family, index, heads, kvHeads, headDim, others, norm };
  };
  t.deepEqual(facts(actual), facts(wanted));
  for (const name of ['query', 'key', 'value', 'output'] as const) {
    const [one, other] = [actual.weights[name], wanted.weights[name]];
    t.deepEqual(one.weight.shape, other.weight.shape);
    assertSameBytes(t, shareFloats('', one.weight).data, shareFloats('', other.weight).data, name);
    t.is(one.bias === undefined, other.bias === undefined);
    if (one.bias) assertSameBytes(t, shareFloats('', one.bias).data, shareFloats('', other.bias).data, name);
  }
}

for (const name of modelNames) {
  test(`a layer of ${name} is found by its number and by its name, with and without the last dot`, async (t) => {
    const { family, first } = models[name];
    const wanted = await loadLayer(pathOf(name), { layer: 0 });
    t.is(wanted.name, first);
    t.is(wanted.family, family);
    for (const layer of ['0', first, `${first}.`, first.replace(/\.[^.]+$/, '')]) {
      assertSameLayer(t, await loadLayer(pathOf(name), { layer }), wanted);
    }
    assertSameLayer(t, await loadLayer(join(pathOf(name), 'model.safetensors'), { layer: 0 }), wanted);
    t.is((await loadLayer(pathOf(name), { layer: 2 })).index, 2);
  });

  test(`${name} may have no prefix, a wrapper's, or its own twice`, async (t) => {
    const wanted = await loadLayer(pathOf(name), { layer: 1 });
    const bare = /^(bert|roberta|distilbert|transformer|gpt_neox|model)\./;
    for (const rename of [
      (tensor: string) => tensor.replace(bare, ''),
      (tensor: string) => `module.${tensor}`,
      (tensor: string) => (bare.exec(tensor)?.[0] ?? 'encoder.') + tensor,
    ]) {
      assertSameLayer(t, await loadLayer(await writeModel(t, name, { rename }), { layer: 1 }), wanted);
    }
  });

  test(`${name} may lie in shards`, async (t) => {
    const wanted = await loadLayer(pathOf(name), { layer: 1 });
    const folder = await writeShards(t, name, 3);
    assertSameLayer(t, await loadLayer(folder, { layer: 1 }), wanted);
    const index = join(folder, 'model.safetensors.index.json');
    assertSameLayer(t, await loadLayer(index, { layer: 1 }), wanted);
  });
}

test('F16 and BF16 become float32', async (t) => {
  const { state, path } = await readModel('bert');
  const exact = await loadLayer(path, { layer: 0 });
  const weight = shareFloats('', exact.weights.query.weight).data;
  const folder = await makeFolder(t);
  for (const dtype of ['f16', 'bf16'] as const) {
    const file = join(folder, `${dtype}.safetensors`);
    await writeFile(file, halvesFile(state, dtype));
    const { weights } = await loadLayer(file, { layer: 0, heads: 6 });
    const read = shareFloats('', weights.query.weight).data;
    if (dtype === 'f16')
      assertSameBytes(
        t,
        read,
        weight.map((number) => decodeF16(encodeF16(number))),
      );
    else t.true(read.every((number, n) => Math.abs(number - weight[n]!) <= Math.abs(weight[n]!) / 256));
  }
});

test('a folder is read by its only file, whatever its name, and a config.json is not needed where names tell', async (t) => {
  const folder = await writeModel(t, 'gpt2', { config: null });
  await rename(join(folder, 'model.safetensors'), join(folder, 'weights.safetensors'));
  const { heads, defaults } = await loadLayer(folder, { layer: 0, heads: 6 });
  t.is(heads, 6);
  t.deepEqual(defaults, { causal: true });
});

test('a file of one layer needs no number', async (t) => {
  const path = join(await makeFolder(t), 'one.safetensors');
  const stateDict = weightsToTorch(layerWeights({ heads: 4, headDim: 3, modelDim: 12 }));
  const tensors = [...stateDict].map(([name, tensor]) => [name, shareFloats(name, tensor)] as const);
  const { name, index, heads, weights } = await (async () => {
    await writeStateDict(path, new Map(tensors), new Map([['heads', '4']]));
    return loadLayer(path, { addZeroAttention: true });
  })();
  t.deepEqual({ name, index, heads }, { name: '', index: undefined, heads: 4 });
  t.true(weights.addZeroAttention);
});

for (const [how, prefix] of [
  ['alone', ''],
  ['in an encoder', 'layers.3.self_attn.'],
] as const) {
  test(`grouped heads with biases ${how} come packed or separate, and follow from the shapes`, async (t) => {
    const weights = layerWeights({ heads: 4, kvHeads: 2, headDim: 3, modelDim: 12 });
    const separate = new Map(
      [...weightsToTorch(weights)].map(([name, tensor]) => [prefix + name, shareFloats(name, tensor)]),
    );
    const rows = ['q', 'k', 'v'].flatMap((name) =>
      Array.from(separate.get(`${prefix}${name}_proj_weight`)!.data),
    );
    const packed = new Map([...separate].filter(([name]) => !/[qkv]_proj_weight$/.test(name))).set(
      `${prefix}in_proj_weight`,
      shareFloats('', { shape: [24, 12], data: Float32Array.from(rows) }),
    );
    const folder = await makeFolder(t);
    for (const [name, tensors] of Object.entries({ separate, packed })) {
      const path = join(folder, `${name}.safetensors`);
      await writeStateDict(path, tensors);
      const loaded = await loadLayer(path, { heads: 4 });
      t.is(loaded.kvHeads, 2);
      assertSameLayer(t, loaded, { ...loaded, weights });
    }
  });
}

test('only the tensors of the layer are read: the others may be larger than any memory', async (t) => {
  const path = join(await makeFolder(t), 'sparse.safetensors');
  const weight = normalTensor([12, 12], 1);
  const packed = normalTensor([36, 12], 2);
  const [near, far] = [(144 + 432) * 4, 2 ** 43];
  const small = safetensorsFile(
    {
      'layers.0.self_attn.out_proj.weight': { dtype: 'F32', shape: [12, 12], data_offsets: [0, 576] },
      'layers.0.self_attn.in_proj_weight': { dtype: 'F32', shape: [36, 12], data_offsets: [576, near] },
      'layers.1.self_attn.in_proj_weight': {
        ...{ dtype: 'F32', shape: [2 ** 41, 1] },
        data_offsets: [near, near + far],
      },
    },
    float32Bytes(...weight.data, ...packed.data),
  );
  await writeFile(path, small);
  await truncate(path, small.length + far);
  const { weights } = await loadLayer(path, { layer: 0, heads: 4 });
  assertSameBytes(t, shareFloats('', weights.output.weight).data, weight.data);
  await assertRefused(t, () => loadLayer(path, { layer: 1, heads: 4 }), {
    code: 'INVALID_WEIGHTS',
    what: '`layers.1.self_attn.out_proj.weight`',
  });
});

test('a folder without weights, or with several, is refused', async (t) => {
  const folder = await makeFolder(t);
  await assertRefused(t, () => loadLayer(folder), { code: 'INVALID_OPTION', what: 'model.safetensors' });
  await writeFile(join(folder, 'pytorch_model.bin'), '');
  const what = ['pytorch_model.bin', 'torch.save', 'docs/weights.md'];
  await assertRefused(t, () => loadLayer(folder), { code: 'INVALID_FILE', what });
  for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.safetensors`), '');
  await assertRefused(t, () => loadLayer(folder), {
    code: 'INVALID_OPTION',
    what: ['a.safetensors', 'b.safetensors'],
  });
  await mkdir(join(folder, 'c.txt'));
  await assertRefused(t, () => loadLayer(join(folder, 'no.safetensors')), {
    code: 'FILE_FAILED',
    what: 'no.safetensors',
  });
  await writeFile(join(folder, 'c.onnx'), '');
  await assertRefused(t, () => loadLayer(join(folder, 'c.onnx')), {
    code: 'INVALID_FILE',
    what: '`".onnx"`',
  });
});
