// A process that computes on a GPU and ends as its first argument says.
import { createEngine } from '../../../src/index.js';

/** `often`: 50 engines, one after the other. `exit`: without closing its engine. */
export type Ending = 'often' | 'exit';

const q = { shape: [1, 1, 3, 4], data: Float32Array.from({ length: 12 }, (_, n) => n) };

async function compute(): Promise<Awaited<ReturnType<typeof createEngine>>> {
  const engine = await createEngine({ device: 'gpu' });
  await engine.attention({ q, k: q, v: q });
  return engine;
}

const ending = process.argv[2] as Ending;
if (ending === 'often') {
  for (let n = 0; n < 50; n++) {
    const engine = n % 10 === 0 ? await compute() : await createEngine({ device: 'gpu' });
    await engine.close();
  }
} else {
  await compute();
  process.exit(7);
}
