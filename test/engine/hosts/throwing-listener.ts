// A host whose listeners throw, and that hears of it as of any uncaught exception.
import { subscribe } from 'node:diagnostics_channel';
import { createEngine, createXavierWeights } from '../../../src/index.js';

const caught: string[] = [];
process.on('uncaughtException', ({ message }) => caught.push(message));
for (const event of ['start', 'asyncEnd']) {
  subscribe(`tracing:headpool:forward:${event}`, () => {
    throw new Error(event);
  });
}

const engine = await createEngine({ kernel: 'wasm', threads: 1 });
const layer = await engine.multiHeadAttention({
  heads: 4,
  weights: createXavierWeights({ modelDim: 64, heads: 4 }),
});
const { output } = await layer.forward(engine.tensor([3, 64]));
await engine.close();
process.stdout.write(JSON.stringify({ rows: output.shape[0], caught }));
