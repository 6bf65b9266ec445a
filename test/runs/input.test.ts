// One input with the keys and values that its sequences attend: what fits together, and what is refused by name.
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openInput } from '../../src/runs/input.js';
import { createXavierWeights } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { requestFor } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

async function files(t: ExecutionContext, lengths: Readonly<Record<string, readonly number[]>>, width = 8) {
  const folder = await makeFolder(t);
  const paths: Record<string, string> = {};
  for (const [name, each] of Object.entries(lengths)) {
    paths[name] = await writeSequences(join(folder, name), makeSequences(each, name.length, { width }));
  }
  return { paths, output: join(folder, 'y.safetensors') };
}

async function open(asked: Parameters<typeof requestFor>[0]) {
  const request = await requestFor(asked);
  return openInput(request, request.inputs[0]!);
}

test('queries, keys and values come from their own files, sequence by sequence', async (t) => {
  const { paths, output } = await files(t, {
    'q.jsonl': [2, 0, 3],
    'k.safetensors': [5, 1, 2],
    'vv.npz': [5, 1, 2],
  });
  const { 'q.jsonl': q = '', 'k.safetensors': key = '', 'vv.npz': value = '' } = paths;
  const input = await open({ inputs: [q], output, key, value });
  t.deepEqual(input.keyLengths, [5, 1, 2]);
  const [k, v] = [makeSequences([5, 1, 2], 13), makeSequences([5, 1, 2], 6)];
  let row = 0;
  for (let n = 0; n < 3; n++) {
    const span = await input.next(1);
    if (span === undefined || 'error' in span) return t.fail();
    t.is(span.end.sequence, n + 1);
    const length = [5, 1, 2][n]!;
    for (const [rows, given] of [
      [span.key!, k],
      [span.value!, v],
    ] as const) {
      // prettier-ignore
      t.deepEqual(rows.lengths, [length]);
      const target = new Float32Array(length * 8);
      await rows.read(target);
      t.deepEqual(target, given.rows.slice(row * 8, (row + length) * 8));
    }
    row += length;
  }
  t.is(await input.next(1), undefined);
  await input.close();
});

test('without keys of their own the lengths attended are the input’s', async (t) => {
  const { paths, output } = await files(t, { 'q.safetensors': [2, 3] });
  const input = await open({ inputs: [paths['q.safetensors']!], output });
  t.deepEqual(input.keyLengths, [2, 3]);
  const span = await input.next(100);
  t.false('key' in span!);
  await input.close();
});

interface Misfit {
  readonly lengths: Readonly<Record<string, readonly number[]>>;
  readonly key?: string;
  readonly value?: string;
  readonly path: string;
  readonly what: string;
}

const misfits: Readonly<Record<string, Misfit>> = {
  'fewer keys than queries': {
    lengths: { 'q.npz': [1, 2, 3], 'k.npz': [1, 2] },
    key: 'k.npz',
    path: 'k.npz',
    what: 'expected 3 sequences',
  },
  'more keys than queries': {
    lengths: { 'q.npz': [1], 'k.npz': [1, 2] },
    key: 'k.npz',
    path: 'k.npz',
    what: 'q.npz has, got 2',
  },
  'fewer values than keys': {
    lengths: { 'q.npz': [1, 2], 'k.npz': [1, 2], 'v.npz': [1] },
    key: 'k.npz',
    value: 'v.npz',
    path: 'v.npz',
    what: 'expected 2 sequences',
  },
  'values shorter than their keys': {
    lengths: { 'q.npz': [1, 1], 'k.npz': [4, 5], 'v.npz': [4, 4] },
    key: 'k.npz',
    value: 'v.npz',
    path: 'v.npz',
    what: 'expected 5 tokens in sequence 1',
  },
  'values shorter than the input they belong to': {
    lengths: { 'q.npz': [4, 5], 'v.npz': [3, 5] },
    value: 'v.npz',
    path: 'v.npz',
    what: 'expected 4 tokens in sequence 0',
  },
};

for (const [name, { lengths, key, value, path, what }] of Object.entries(misfits)) {
  test(`${name} are refused when the input is opened`, async (t) => {
    const { paths, output } = await files(t, lengths);
    const others = { ...(key && { key: paths[key]! }), ...(value && { value: paths[value]! }) };
    await assertRefused(t, () => open({ inputs: [paths['q.npz']!], output, ...others }), {
      code: 'INVALID_SHAPE',
      path: paths[path]!,
      what,
    });
  });
}

test('keys that end before a .jsonl input are missed where it goes on', async (t) => {
  const { paths, output } = await files(t, { 'q.jsonl': [1, 1, 1], 'k.npz': [2, 2] });
  const input = await open({ inputs: [paths['q.jsonl']!], output, key: paths['k.npz']! });
  t.teardown(() => input.close());
  await input.next(2);
  await assertRefused(t, () => input.next(2), {
    code: 'INVALID_SHAPE',
    path: paths['k.npz']!,
    what: 'expected 3 sequences',
  });
});

test('values of another length than a .jsonl input are missed where they come', async (t) => {
  const { paths, output } = await files(t, { 'q.jsonl': [1, 2], 'v.npz': [1, 3] });
  const input = await open({ inputs: [paths['q.jsonl']!], output, value: paths['v.npz']! });
  t.teardown(() => input.close());
  await input.next(1);
  await assertRefused(t, () => input.next(1), {
    code: 'INVALID_SHAPE',
    path: paths['v.npz']!,
    what: 'expected 2 tokens in sequence 1',
  });
});

test('keys that go on after the end of a .jsonl input are refused', async (t) => {
  const { paths, output } = await files(t, { 'q.jsonl': [1, 1], 'k.npz': [2, 2, 2] });
  const input = await open({ inputs: [paths['q.jsonl']!], output, key: paths['k.npz']! });
  t.teardown(() => input.close());
  await input.next(9);
  await assertRefused(t, () => input.next(9), {
    code: 'INVALID_SHAPE',
    path: paths['k.npz']!,
    what: 'expected 2 sequences',
  });
});

for (const name of ['k.jsonl', 'k.arrow']) {
  test(`keys from ${name} are refused, since they have to be read from their start`, async (t) => {
    const { paths, output } = await files(t, { 'q.npz': [1], [name]: [1] });
    await assertRefused(t, () => open({ inputs: [paths['q.npz']!], output, key: paths[name]! }), {
      code: 'INVALID_OPTION',
      what: 'any order (.safetensors, .npy, .npz)',
    });
  });
}

test('rows of another width than the weights are refused, of keys and values too', async (t) => {
  const { paths: wide } = await files(t, { 'x.npz': [2] }, 9);
  const { paths, output } = await files(t, { 'x.npz': [2] });
  const [right, wrong] = [paths['x.npz']!, wide['x.npz']!];
  const what = 'expected modelDim 8, as the weights have, got 9';
  const refused = { code: 'INVALID_SHAPE', path: wrong, what } as const;
  await assertRefused(t, () => open({ inputs: [wrong], output }), refused);
  await assertRefused(t, () => open({ inputs: [right], output, key: wrong }), refused);
  await assertRefused(t, () => open({ inputs: [right], output, key: right, value: wrong }), refused);
});

test('an input that is its own key must fit the weights of both', async (t) => {
  const { paths, output } = await files(t, { 'x.npz': [2] });
  const [square, wide] = [createXavierWeights({ modelDim: 8, heads: 2 }), createXavierWeights({ modelDim: 6, heads: 2, headDim: 4 })]; // prettier-ignore
  for (const name of ['key', 'value'] as const) {
    const weights = { ...square, [name]: wide[name] };
    await assertRefused(t, () => open({ inputs: [paths['x.npz']!], output, weights }), {
      code: 'INVALID_SHAPE',
      path: paths['x.npz']!,
      what: 'expected modelDim 6, as the weights have, got 8',
    });
  }
});
