// Calls of two layers, one of them too late, and some of what Prometheus would read of them.
import { createEngine, createXavierWeights } from 'headpool';
import { Registry } from 'prom-client';
import { countCalls, showEngine } from './prometheus.mjs';

const [heads, modelDim] = [4, 32];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const encoder = await engine.multiHeadAttention({ heads, weights, name: 'encoder' });
const decoder = await engine.multiHeadAttention({ heads, weights, name: 'decoder', causal: true });

const registry = new Registry();
countCalls(registry);
showEngine(engine, registry);

const x = engine.tensor([10, modelDim]);
await Promise.all([encoder.forward(x), encoder.forward(x), decoder.forward(x)]);
await decoder.forward(engine.tensor([50_000, modelDim]), { timeoutMs: 1 }).catch(() => undefined);

const page = await registry.metrics();
const shown = page.matchAll(/^headpool_(calls_total|ready|open_calls|\w+_seconds_count).*/gm);
for (const [line] of shown) console.log(line);
await engine.close();
