// A host's own worker thread that says when its engine is at work, and never closes it.
import { parentPort } from 'node:worker_threads';
import { createEngine } from '../../../src/index.js';
import { untilWritten } from '../../helpers/long-calls.js';

const engine = await createEngine({ kernel: 'wasm', threads: 2 });
const x = engine.tensor([60_000, 64]);
x.data.fill(1);
const out = engine.tensor(x.shape);
void engine.attention({ q: x, k: x, v: x, heads: 4, out });
await untilWritten(out);
parentPort!.postMessage('at work');
