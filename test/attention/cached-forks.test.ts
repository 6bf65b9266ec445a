// Forks and cuts of caches in calls: beams go apart, their parent stays as it was, and a token tried again has the same
// bytes.
import type { Engine, KeyValueCache, MultiHeadAttention } from '../../src/index.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { assertSameBytes } from '../helpers/assertions.js';
import {
  cachedCase,
  checkRows,
  checkStretch,
  feed,
  layerOf,
  prefill,
  stretchOf,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';

const engines = openEngines();
const options = { causal: true, rope: { base: 10_000 } } as const;
const root = cachedCase({ tokens: 270, options });
const other = cachedCase({ tokens: 270, options, seed: 2 });

/** `root` up to a token and `other` from there on. */
function branch(at: number) {
  const rows = [stretchOf(root.x, 0, at), stretchOf(other.x, at, 270)].flatMap(({ data }) => [...data]);
  return { ...root, x: createTensor([1, 270, 10], rows) };
}

const branches = new Map([127, 200, 256].map((at) => [at, branch(at)]));

/** The outputs of calls on the tokens that follow. */
async function bytesOf(
  { x }: { readonly x: Tensor },
  layer: MultiHeadAttention,
  cache: KeyValueCache,
  lengths: readonly number[],
): Promise<Float32Array[]> {
  const stretches = await feed({ x, options }, layer, cache, lengths);
  return stretches.map(({ result }) => result.output.data);
}

async function open(engine: Engine, before: number, dtype: 'f32' | 'f16' = 'f32') {
  const layer = await engine.multiHeadAttention(layerOf(root));
  const cache = layer.createCache({ maxTokens: 1000, dtype });
  await prefill(root, layer, cache, before);
  return {
    layer,
    cache,
    [Symbol.dispose]() {
      cache.dispose();
      layer.dispose();
    },
  };
}

for (const at of [127, 200, 256]) {
  testKernels(
    engines,
    `beams go apart after ${at} tokens, and the parent goes on as without them`,
    async (t, engine) => {
      using untouched = await open(engine, at);
      const wanted = await bytesOf(root, untouched.layer, untouched.cache, [1, 2, 1]);
      using opened = await open(engine, at);
      const { layer, cache } = opened;
      using beam = cache.fork();
      const given = branches.get(at)!;
      for (const stretch of await feed(given, layer, beam, [1, 2])) checkStretch(t, given, stretch);
      using second = beam.fork();
      const got = await bytesOf(root, layer, cache, [1, 2, 1]);
      got.forEach((bytes, n) => {
        assertSameBytes(t, bytes, wanted[n]!, `call ${n}`);
      });
      for (const stretch of await feed(given, layer, second, [1])) checkStretch(t, given, stretch);
      for (const stretch of await feed(given, layer, beam, [2])) checkStretch(t, given, stretch);
      t.deepEqual(
        [cache, beam, second].map(({ tokens }) => tokens[0]),
        [at + 4, at + 5, at + 4],
      );
    },
  );
}

testKernels(engines, 'beams of one call write apart', async (t, engine) => {
  using opened = await open(engine, 200);
  const { layer, cache } = opened;
  using beam = cache.fork();
  const given = branches.get(200)!;
  for (let token = 200; token < 204; token++) {
    const rows = [root, given].flatMap(({ x }) => [...stretchOf(x, token, token + 1).data]);
    const cache2 = [cache, beam];
    const { output } = await layer.forward(createTensor([2, 1, 10], rows), { ...options, cache: cache2 });
    const place = { from: token, to: token + 1 };
    checkRows(t, root, { ...place, output: output.data.slice(0, 10) });
    checkRows(t, given, { ...place, output: output.data.slice(10) });
  }
});

for (const dtype of ['f32', 'f16'] as const) {
  testKernels(
    engines,
    `tokens that are cut off and tried again have the same bytes (${dtype})`,
    async (t, engine) => {
      using opened = await open(engine, 126, dtype);
      const { layer, cache } = opened;
      const first = await bytesOf(root, layer, cache, [1, 1, 3, 1]);
      for (const tokens of [126, 127, 128, 131]) {
        cache.truncate(tokens);
        await bytesOf(other, layer, cache, [2, 1]);
        cache.truncate(tokens);
        const at = [126, 127, 128, 131].indexOf(tokens);
        const again = await bytesOf(root, layer, cache, [1, 1, 3, 1].slice(at));
        again.forEach((bytes, n) => {
          assertSameBytes(t, bytes, first[at + n]!, `call ${at + n} after ${tokens}`);
        });
      }
    },
  );

  testKernels(
    engines,
    `NaN and infinity that are cut off are never read again (${dtype})`,
    async (t, engine) => {
      using opened = await open(engine, 100, dtype);
      const { layer, cache } = opened;
      const wanted = await bytesOf(root, layer, cache, [1, 3, 1]);
      for (const poison of [NaN, Infinity, -Infinity]) {
        cache.truncate(100);
        const rows = createTensor([1, 200, 10], new Float32Array(2000).fill(poison));
        await layer.forward(rows, { causal: true, cache });
        cache.truncate(100);
        using fork = cache.fork();
        for (const one of [cache, fork]) {
          const again = await bytesOf(root, layer, one, [1, 3, 1]);
          again.forEach((bytes, n) => {
            assertSameBytes(t, bytes, wanted[n]!, `${poison} call ${n}`);
          });
        }
      }
    },
  );
}
