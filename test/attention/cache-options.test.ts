// The options of a cache: what they default to, and which are refused.
import test from 'ava';
import { resolveCacheOptions, type CacheOptions } from '../../src/attention/cache-options.js';
import type { ErrorCode } from '../../src/core/errors.js';
import { assertRefused } from '../helpers/assertions.js';
import { layer, openCache } from '../helpers/fake-storage.js';

test('the options of a cache have defaults', (t) => {
  t.deepEqual(resolveCacheOptions({ maxTokens: 7 }), {
    maxTokens: 7,
    batch: 1,
    dtype: 'f32',
    rolling: false,
  });
  const all = { maxTokens: 1, batch: 3, dtype: 'bf16', rolling: true } as const;
  t.deepEqual(resolveCacheOptions(all), all);
  const { cache } = openCache({ ...all, dtype: 'f16' });
  t.like(cache, { ...all, dtype: 'f16' });
  t.deepEqual(cache.tokens, [0, 0, 0]);
  t.is(cache.layer, layer);
});

function refuseOption(change: object, code: ErrorCode, ...words: string[]): void {
  const title = Object.entries(change).map(([name, value]) => `${name} ${String(value)} (${typeof value})`);
  test(`a cache is refused with ${title.join(', ')}`, async (t) => {
    const options = { maxTokens: 8, ...change } as CacheOptions;
    await assertRefused(t, () => resolveCacheOptions(options), { code, what: words });
  });
}

for (const name of ['maxTokens', 'batch']) {
  for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '8', null, [8]]) {
    refuseOption({ [name]: value }, 'INVALID_OPTION', `\`${name}\``, 'an integer of at least 1');
  }
}
refuseOption({ maxTokens: undefined }, 'INVALID_OPTION', '`maxTokens`', 'nothing');
for (const dtype of ['f64', 'F16', 16, null]) {
  refuseOption({ dtype }, 'INVALID_OPTION', '`dtype`', "'f32', 'f16' or 'bf16'");
}
for (const rolling of [1, 'yes', null]) {
  refuseOption({ rolling }, 'INVALID_OPTION', '`rolling`', 'true or false');
}
refuseOption({ maxToken: 8 }, 'UNKNOWN_OPTION', '`maxToken`', '`maxTokens`');

test('options that are no object are refused', async (t) => {
  for (const nothing of [undefined, null, 8] as unknown as CacheOptions[]) {
    await assertRefused(t, () => resolveCacheOptions(nothing), { code: 'INVALID_OPTION', what: '`options`' });
  }
});
