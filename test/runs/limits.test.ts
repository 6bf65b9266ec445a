// How many tokens a run may hold, by the memory that it is allowed.
import { totalmem } from 'node:os';
import test from 'ava';
import {
  chooseLimits,
  defaultMemoryBytes,
  needOf,
  usualChunkTokens,
  type MemoryNeed,
} from '../../src/runs/limits.js';
import { RunPlanner, type ChunkWork } from '../../src/runs/planner.js';
import { createXavierWeights } from '../../src/index.js';
import type { RunRequest } from '../../src/runs/request.js';
import { HeadpoolError } from '../../src/core/errors.js';

const need: MemoryNeed = { fixedBytes: 1e6, tokenBytes: 1000 };

test('what fits bounds a sequence, and the usual number a chunk', (t) => {
  t.deepEqual(chooseLimits(need, 1e9, undefined), {
    mostTokens: usualChunkTokens,
    mostSequenceTokens: 999_000,
  });
});

test('little memory makes small chunks', (t) => {
  t.deepEqual(chooseLimits(need, 1.1e6, undefined), { mostTokens: 100, mostSequenceTokens: 100 });
  t.deepEqual(chooseLimits(need, 1_001_000, undefined), { mostTokens: 1, mostSequenceTokens: 1 });
});

test('as many tokens as were asked for make a chunk if they fit, also more than usual', (t) => {
  t.is(chooseLimits(need, 1e9, 1).mostTokens, 1);
  t.deepEqual(chooseLimits(need, 1e9, 500_000), { mostTokens: 500_000, mostSequenceTokens: 999_000 });
  t.is(chooseLimits(need, 1.1e6, 100).mostTokens, 100);
});

const refusals: readonly (readonly [string, number, number | undefined, string])[] = [
  [
    'no token',
    1_000_999,
    undefined,
    'at least 2 MB for `memory`, which the weights and 1 tokens need, got 1 MB',
  ],
  ['nothing at all', 0, undefined, 'got 0 MB'],
  ['less than the weights', 5e5, undefined, 'at least 2 MB for `memory`, which the weights and 1 tokens'],
  [
    'fewer tokens than asked for',
    1.1e6,
    101,
    'at least 2 MB for `memory`, which the weights and 101 tokens need',
  ],
];

for (const [name, memory, tokens, what] of refusals) {
  test(`memory with room for ${name} is refused, saying what is needed`, (t) => {
    const error = t.throws(() => chooseLimits(need, memory, tokens), { instanceOf: HeadpoolError });
    t.is(error.code, 'MEMORY_LIMIT');
    t.true(error.message.includes(what), error.message);
  });
}

test('the memory that a refusal names is enough', (t) => {
  for (const tokens of [1, 17, 12_345]) {
    const error = t.throws(() => chooseLimits(need, 1, tokens));
    const [, least] = /at least (\d+) MB/.exec(error.message)!;
    t.is(chooseLimits(need, Number(least) * 1e6, tokens).mostTokens, tokens);
  }
});

test('by default a run takes no more than a quarter of the machine', (t) => {
  t.true(defaultMemoryBytes() > 0);
  t.true(defaultMemoryBytes() <= totalmem() / 4);
});

function requestFor(modelDim: number, others: Partial<RunRequest> = {}): RunRequest {
  const weights = createXavierWeights({ modelDim, heads: 2 });
  return {
    inputs: [],
    targets: [{ path: 'y', format: 'npy' }],
    weights,
    options: {},
    dtype: 'f32',
    onError: 'stop',
    ...others,
  };
}

function needFor(...asked: Parameters<typeof requestFor>): MemoryNeed {
  const request = requestFor(...asked);
  return needOf(request, new RunPlanner(request, 2, 2));
}

test('wider layers, keys and values of their own need more memory', (t) => {
  const [narrow, wide] = [needFor(16), needFor(64)];
  t.true(wide.tokenBytes > 3 * narrow.tokenBytes);
  t.true(wide.fixedBytes > narrow.fixedBytes);
  t.true(wide.fixedBytes >= 2 * 4 * 4 * 64 * 64, 'weights twice, as they are and packed');
  const [key, both] = [needFor(64, { key: 'k' }), needFor(64, { key: 'k', value: 'v' })];
  t.true(key.tokenBytes >= wide.tokenBytes + 4 * 2 * 64);
  t.true(both.tokenBytes >= key.tokenBytes + 4 * 2 * 64);
});

test('rows that are parsed, and rows that are written as text, are in memory once more', (t) => {
  const plain = needFor(64);
  const textIn = needFor(64, { inputs: [{ path: 'x.jsonl', target: 0 }] });
  const textOut = needFor(64, { targets: [{ path: 'y', format: 'jsonl' }] });
  const pooled = needFor(64, { targets: [{ path: 'y', format: 'jsonl' }], pool: 'mean' });
  t.true(textIn.tokenBytes >= plain.tokenBytes + 4 * 2 * 64);
  t.true(textOut.tokenBytes >= plain.tokenBytes + 10 * 2 * 64, 'ten characters a number, at least');
  t.is(pooled.tokenBytes, plain.tokenBytes);
});

test('no chunk is planned twice to find out what a run needs', (t) => {
  const planned: number[] = [];
  class CountedPlanner extends RunPlanner {
    override plan(...offsets: Parameters<RunPlanner['plan']>): ChunkWork {
      planned.push(offsets[0].at(-1)!);
      return super.plan(...offsets);
    }
  }
  const request = requestFor(16);
  needOf(request, new CountedPlanner(request, 2, 2));
  t.deepEqual(planned, [...new Set(planned)]);
  t.is(planned.length, 2);
});

test('a token needs its input and its output twice, and room to compute', (t) => {
  t.true(needFor(64).tokenBytes > 4 * 2 * (64 + 64));
});
