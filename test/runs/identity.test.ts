// What makes two runs the same, and how the difference of two that aren't is named.
import { symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { configurationOf } from '../../src/runs/configuration.js';
import { firstDifference } from '../../src/runs/first-difference.js';
import { checkUnchanged, identifyFile, type RunIdentity } from '../../src/runs/identity.js';
import { createXavierWeights } from '../../src/index.js';
import { openEmbedding } from '../../src/files/sequences/embedding.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { assertRefused } from '../helpers/assertions.js';
import { identityOf, openBench, requestFor } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const differences: readonly (readonly [unknown, unknown, string | undefined])[] = [
  [1, 1, undefined],
  [{ a: { b: [1, 2] } }, { a: { b: [1, 2] } }, undefined],
  [{ b: 1, a: 2 }, { a: 2, b: 1 }, undefined],
  [1, 2, ''],
  [{ a: 1 }, { a: 2 }, 'a'],
  [{ a: { b: { c: 1 } } }, { a: { b: { c: 2 } } }, 'a.b.c'],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, 'a[1].b'],
  [{ a: [1] }, { a: [1, 2] }, 'a[1]'],
  [{ a: [1, 2] }, { a: [1] }, 'a[1]'],
  [{ a: 1 }, { a: 1, b: null }, 'b'],
  [{ a: 1, b: 2 }, { a: 1 }, 'b'],
  [{ a: { b: 1 } }, { a: 1 }, 'a'],
  [{ a: null }, { a: {} }, 'a'],
  [{ a: '1' }, { a: 1 }, 'a'],
];

for (const [before, now, field] of differences) {
  test(`${JSON.stringify(before)} and ${JSON.stringify(now)} differ in ${field ?? 'nothing'}`, (t) => {
    t.is(firstDifference(before, now)?.field, field);
  });
}

test('both values of a difference are told', (t) => {
  t.deepEqual(firstDifference({ a: [{ b: 1 }] }, { a: [{ b: 'x' }] }), {
    field: 'a[0].b',
    before: 1,
    now: 'x',
  });
  t.deepEqual(firstDifference({}, { a: 1 }), { field: 'a', before: undefined, now: 1 });
});

test('a file is known by its path, its size and when it was changed', async (t) => {
  const path = join(await makeFolder(t), 'x');
  await writeFile(path, 'abc');
  await utimes(path, 1, 1.5);
  t.deepEqual(await identifyFile(path), { path, bytes: 3, modified: '1500000000' });
  await symlink(path, `${path}.link`);
  t.like(await identifyFile(`${path}.link`), { bytes: 3, modified: '1500000000' });
});

test('what is no file, or not there, is refused', async (t) => {
  const folder = await makeFolder(t);
  await assertRefused(t, () => identifyFile(folder), { code: 'FILE_FAILED', path: folder, what: 'a folder' });
  const missing = join(folder, 'no');
  await assertRefused(t, () => identifyFile(missing), { code: 'FILE_FAILED', path: missing, what: 'ENOENT' });
});

test('a file that was changed since is refused, one that was not passes', async (t) => {
  const path = join(await makeFolder(t), 'x');
  await writeFile(path, 'abc');
  await utimes(path, 1, 1);
  const before = await identifyFile(path);
  await checkUnchanged(before);
  await utimes(path, 1, 2);
  await assertRefused(t, () => checkUnchanged(before), { code: 'INVALID_FILE', path, what: '`modified`' });
  await writeFile(path, 'abcd');
  await assertRefused(t, () => checkUnchanged(before), {
    code: 'INVALID_FILE',
    path,
    what: 'for `bytes`, got `4`',
  });
  await checkUnchanged({ path: '-', bytes: 0, modified: '' });
});

const bench = openBench();

async function identify(
  t: ExecutionContext,
  others: Partial<Parameters<typeof requestFor>[0]>,
): Promise<RunIdentity> {
  const inputs = [join(folderOf.get(t.title) ?? '', 'x.jsonl')];
  const request = await requestFor({
    inputs,
    output: join(folderOf.get(t.title)!, 'y.safetensors'),
    ...others,
  });
  return identityOf(request, bench());
}

const folderOf = new Map<string, string>();

async function prepare(t: ExecutionContext): Promise<string> {
  const folder = await makeFolder(t);
  folderOf.set(t.title, folder);
  for (const name of ['x.jsonl', 'k.safetensors', 'z.jsonl'])
    await writeSequences(join(folder, name), makeSequences([2], 1));
  return folder;
}

test('a run is the same as itself, by plain JSON', async (t) => {
  await prepare(t);
  const [before, now] = [await identify(t, {}), await identify(t, {})];
  t.is(firstDifference(before, now), undefined);
  t.deepEqual(JSON.parse(JSON.stringify(before)), before);
  t.is(firstDifference(JSON.parse(JSON.stringify(before)), now), undefined);
});

test('whatever the bytes of the output depend on makes another run', async (t) => {
  const folder = await prepare(t);
  const [k, e] = [join(folder, 'k.safetensors'), join(folder, 'e.safetensors')];
  await writeStateDict(e, new Map([['embedding', createTensor([3, 8])]]));
  const table = await openEmbedding({ path: e, embeddingTensor: 'embedding' });
  const before = await identify(t, {});
  const changes: Readonly<Record<string, Parameters<typeof identify>[1]>> = {
    'settings.weights': { weights: createXavierWeights({ modelDim: 8, heads: 2, seed: 12 }) },
    'settings.configuration.causal': { options: { causal: true } },
    'settings.configuration.scale': { options: { scale: 2 } },
    'settings.configuration.window': { options: { window: { left: 1 } } },
    'settings.dtype': { dtype: 'f16' },
    'settings.pool': { pool: 'mean' },
    'settings.key': { key: k },
    'settings.value': { value: k },
    'settings.embedding': { embedding: { path: e, tensors: ['embedding', undefined], table } },
    'inputs[0].path': { inputs: [join(folder, 'z.jsonl')] },
    'inputs[1]': { inputs: [join(folder, 'x.jsonl'), join(folder, 'z.jsonl')] },
    'outputs[0].path': { output: join(folder, 'other.safetensors') },
    'settings.outputFormat': { outputFormat: 'jsonl' },
    'settings.statistics': { hasStatistics: true },
  };
  for (const [field, others] of Object.entries(changes))
    t.is(firstDifference(before, await identify(t, others))?.field, field);
});

test('a bias that is zero and one that is absent are different weights', async (t) => {
  await prepare(t);
  const weights = createXavierWeights({ modelDim: 8, heads: 2 });
  const bare = { ...weights, query: { weight: weights.query.weight } };
  const [before, now] = [await identify(t, { weights }), await identify(t, { weights: bare })];
  t.is(firstDifference(before, now)?.field, 'settings.weights');
});

test('norms of queries and keys count among the weights by their numbers, in the configuration by their epsilon', async (t) => {
  await prepare(t);
  const [q, k] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8)];
  const norms = { q, k, epsilon: 1e-5 };
  const before = await identify(t, { options: { qkNorm: norms } });
  t.like(before.settings.configuration, { qkNorm: { epsilon: 1e-5 } });
  for (const [changes, field] of [
    [{}, undefined],
    [{ k: Float32Array.of(5, 6, 7, 9) }, 'settings.weights'],
    [{ q: k, k: q }, 'settings.weights'],
    [{ epsilon: 1e-6 }, 'settings.configuration.qkNorm.epsilon'],
  ] as const) {
    const now = await identify(t, { options: { qkNorm: { ...norms, ...changes } } });
    t.is(firstDifference(before, now)?.field, field);
  }
  t.not((await identify(t, {})).settings.weights, before.settings.weights);
});

test('the configuration holds every option in one order, defaults of causal and scale included', async (t) => {
  const folder = await prepare(t);
  const asked = { inputs: [join(folder, 'x.jsonl')], output: join(folder, 'y.npy') };
  const { layer } = bench();
  const plain = configurationOf(await requestFor(asked), layer);
  t.deepEqual(plain, { heads: 2, kvHeads: 2, headDim: 4, causal: false, scale: 0.5 });
  const options = { rope: { base: 1e4 }, sinks: Float32Array.of(1, 2), causal: true, softcap: 3 };
  const full = configurationOf(await requestFor({ ...asked, options }), layer);
  t.deepEqual(Object.keys(full), [
    'heads',
    'kvHeads',
    'headDim',
    'causal',
    'scale',
    'softcap',
    'sinks',
    'rope',
  ]);
  t.like(full, { sinks: [1, 2], rope: { base: 1e4, dims: 4, interleaved: false } });
});
