// Results that nobody keeps: V8 counts no shared memory, neither where a caller drops a result nor where a worker has seen it.
import test from 'ava';
import { createEngine } from '../../src/index.js';
import { kernels } from '../helpers/engines.js';

const calls = 100;
const [tokens, headDim] = [2 ** 18, 16];
const resultBytes = 4 * tokens * headDim;
const mostBytes = 800e6;

for (const kernel of kernels) {
  test.serial(`${kernel}: results that nobody keeps don't pile up`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 2 });
    const x = engine.tensor([1, 1, tokens, headDim]);
    const inputs = { q: x, k: x, v: x, keyLengths: [1] };
    await engine.attention(inputs);
    const beforeBytes = process.memoryUsage.rss();
    let mostGrowth = 0;
    for (let call = 0; call < calls; call++) {
      await engine.attention(inputs);
      mostGrowth = Math.max(mostGrowth, process.memoryUsage.rss() - beforeBytes);
    }
    t.true(calls * resultBytes > 2 * mostBytes);
    t.true(mostGrowth < mostBytes, `${mostGrowth} bytes more`);
  });
}
