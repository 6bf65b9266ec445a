import test from 'ava';
import { openEmbedding } from '../../../src/files/sequences/embedding.js';
import { float32Bytes, safetensorsFile, writeScratch } from '../scratch.js';
import { assertRefused } from '../../helpers/assertions.js';

const header = {
  'wte.weight': { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
  'wpe.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [24, 40] },
  'half.weight': { dtype: 'F16', shape: [2, 2], data_offsets: [40, 48] },
  'brain.weight': { dtype: 'BF16', shape: [2, 2], data_offsets: [48, 56] },
  bias: { dtype: 'F32', shape: [2], data_offsets: [56, 64] },
  wide: { dtype: 'F32', shape: [1, 3], data_offsets: [64, 76] },
  steps: { dtype: 'I32', shape: [1, 2], data_offsets: [76, 84] },
  none: { dtype: 'F32', shape: [0, 2], data_offsets: [84, 84] },
};

const bytes = Buffer.concat([
  float32Bytes(1, 2, 3, 4, 0.1, 16777216),
  float32Bytes(10, 20, 0.2, 1),
  new Uint8Array(Uint16Array.of(0x3c00, 0x4000, 0xc000, 0x0001).buffer),
  new Uint8Array(Uint16Array.of(0x3f80, 0x4000, 0xc000, 0x3f00).buffer),
  float32Bytes(0, 0),
  float32Bytes(0, 0, 0),
  new Uint8Array(8),
]);

const writeTables = (t: Parameters<typeof writeScratch>[0]) =>
  writeScratch(t, 'w.safetensors', safetensorsFile(header, bytes));

test('A row is its id’s embedding', async (t) => {
  const embedding = await openEmbedding({ path: await writeTables(t), embeddingTensor: 'wte.weight' });
  t.like(embedding, { modelDim: 2, vocabulary: 3, mostTokens: Infinity });
  const target = new Float32Array(new SharedArrayBuffer(24));
  embedding.embed([1, 0, 1], target);
  t.deepEqual([...target], [3, 4, 1, 2, 3, 4]);
  embedding.embed([], new Float32Array(0));
});

test('Positions are added in float32', async (t) => {
  const tensors = { embeddingTensor: 'wte.weight', positionTensor: 'wpe.weight' };
  const embedding = await openEmbedding({ path: await writeTables(t), ...tensors });
  t.like(embedding, { modelDim: 2, vocabulary: 3, mostTokens: 2 });
  const target = new Float32Array(4);
  embedding.embed([2, 2], target);
  const sum = Math.fround(Math.fround(0.1) + Math.fround(0.2));
  t.deepEqual([...target], [Math.fround(10.1), 16777236, sum, 16777216]);
});

test('Tables of 16 bits are widened', async (t) => {
  const path = await writeTables(t);
  const target = new Float32Array(4);
  (await openEmbedding({ path, embeddingTensor: 'half.weight' })).embed([1, 0], target);
  t.deepEqual([...target], [-2, 2 ** -24, 1, 2]);
  (await openEmbedding({ path, embeddingTensor: 'brain.weight' })).embed([1, 0], target);
  t.deepEqual([...target], [-2, 0.5, 1, 2]);
});

const refusals: [string, { embeddingTensor: string; positionTensor?: string }, string][] = [
  [
    'a missing tensor',
    { embeddingTensor: 'wte.weights' },
    '`wte.weights`, got nothing; did you mean `wte.weight`?',
  ],
  [
    'missing positions',
    { embeddingTensor: 'wte.weight', positionTensor: 'positions' },
    'a tensor of floats for `positions`',
  ],
  ['a tensor of integers', { embeddingTensor: 'steps' }, 'a tensor of floats for `steps`, got nothing'],
  ['a vector', { embeddingTensor: 'bias' }, '[vocabulary, modelDim] for `bias.shape`, got `[2]`'],
  ['an empty table', { embeddingTensor: 'none' }, '`none.shape`, got `[0,2]`'],
  [
    'positions of another width',
    { embeddingTensor: 'wte.weight', positionTensor: 'wide' },
    '[tokens, 2] for `wide.shape`, got `[1,3]`',
  ],
  [
    'positions that are a vector',
    { embeddingTensor: 'wte.weight', positionTensor: 'bias' },
    '`bias.shape`, got `[2]`',
  ],
];

for (const [title, tensors, what] of refusals) {
  test(`An embedding is refused for ${title}`, async (t) => {
    const path = await writeTables(t);
    await assertRefused(t, () => openEmbedding({ path, ...tensors }), { code: 'INVALID_FILE', path, what });
  });
}

test('A missing file and another format are refused', async (t) => {
  const missing = { path: 'missing.safetensors', embeddingTensor: 'a' };
  await assertRefused(t, () => openEmbedding(missing), {
    code: 'FILE_FAILED',
    path: missing.path,
    what: 'could not open',
  });
  await assertRefused(t, () => openEmbedding({ path: 'a.npy', embeddingTensor: 'a' }), {
    code: 'INVALID_FILE',
    path: 'a.npy',
    what: '.safetensors',
  });
});
