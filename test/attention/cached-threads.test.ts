// The bytes of calls with a cache don't depend on how many threads compute them, nor on calls beside them.
import test from 'ava';
import { createEngine, type Engine } from '../../src/index.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { cachedCase, feed, layerOf, prefill, type CachedCase } from '../helpers/cached-case.js';
import { kernels } from '../helpers/engines.js';

const options = { causal: true, rope: { base: 10_000 }, alibiSlopes: [0.125, 0, 0.5, 0.25] } as const;
const given = cachedCase({ tokens: 4105, options });
const rolled = cachedCase({ tokens: 300, seed: 3, options: { ...options, window: { left: 90 } } });

/** Calls of every kind: short and long stretches, one token, one after many, and a cache that rolls. */
async function bytesOf(engine: Engine, dtype: 'f32' | 'f16'): Promise<Float32Array[]> {
  using layer = await engine.multiHeadAttention(layerOf(given));
  const results: Float32Array[] = [];
  const run = async (of: CachedCase, rolling: boolean, before: number, lengths: readonly number[]) => {
    using cache = layer.createCache({ maxTokens: rolling ? 90 : 4105, rolling, dtype });
    await prefill(of, layer, cache, before);
    const asked = { returnLogSumExp: true };
    for (const { result } of await feed(of, layer, cache, lengths, asked)) {
      results.push(result.output.data, result.logSumExp!.data);
    }
  };
  await run(given, false, 0, [1, 90, 1, 170, 1]);
  if (dtype === 'f32') await run(given, false, 4097, [1, 2, 1]);
  await run(rolled, true, 80, [90, 1, 50, 1]);
  return results;
}

/** Sequences of their own caches, one call of each after the other, all sequences at once or not. */
const neighbours = Array.from({ length: 3 }, (_, seed) =>
  cachedCase({ tokens: 140, options, seed: 10 + seed }),
);

async function bytesOfNeighbours(engine: Engine, areAtOnce: boolean): Promise<Float32Array[]> {
  using layer = await engine.multiHeadAttention(layerOf(given));
  const run = async (of: CachedCase): Promise<Float32Array[]> => {
    using cache = layer.createCache({ maxTokens: 140 });
    const stretches = await feed(of, layer, cache, [20, 1, 110, 1]);
    return stretches.map(({ result }) => result.output.data);
  };
  if (areAtOnce) return (await Promise.all(neighbours.map(run))).flat();
  const results: Float32Array[] = [];
  for (const of of neighbours) results.push(...(await run(of)));
  return results;
}

for (const kernel of kernels) {
  test(`${kernel}: one, two and three threads give the same bytes, whatever runs beside`, async (t) => {
    let wanted: Float32Array[] | undefined;
    for (const threads of [1, 2, 3]) {
      await using engine = await createEngine({ kernel, threads });
      const got = [
        ...(await bytesOf(engine, 'f32')),
        ...(await bytesOf(engine, 'f16')),
        ...(await bytesOfNeighbours(engine, threads > 1)),
      ];
      wanted ??= got;
      got.forEach((bytes, n) => {
        assertSameBytes(t, bytes, wanted![n]!, `${threads} threads, result ${n}`);
      });
    }
  });
}
