// A program that uses the library by its types alone: compiled, never run.
import {
  createEngine,
  createXavierWeights,
  HeadpoolError,
  presets,
  type AttentionOptions,
  type CallTrace,
  type CloseOptions,
  type Engine,
  type EngineStats,
  type KeyValueCache,
  type KernelName,
  type MultiHeadAttention,
  type Tensor,
} from 'headpool';
import * as headpool from 'headpool';

const engine: Engine = await createEngine({
  threads: 2,
  kernel: 'auto',
  workerUrl: '/srv/workers/worker.js',
});
const layer: MultiHeadAttention = await engine.multiHeadAttention({
  heads: 8,
  weights: createXavierWeights({ modelDim: 512, heads: 8 }),
  name: 'encoder',
});
const cache: KeyValueCache = layer.createCache({ maxTokens: 64 });
const x: Tensor = engine.tensor([10, 512]);
const options: AttentionOptions = { causal: true, cache, window: { left: 3 } };
const { output, weights } = await layer.forward(x, options);
export const shared: SharedArrayBuffer = output.data.buffer;
export const rank: number | undefined = weights?.shape.length;
const { phaseMs }: EngineStats = engine.stats();
export const attendMs: number | undefined = phaseMs.attend;
export const kernel: KernelName = engine.info.kernel;
export const nameOf = ({ layer, waitedMs }: CallTrace): string => `${layer?.name}: ${waitedMs} ms`;
export const code: headpool.ErrorCode = new HeadpoolError('TIMEOUT', 'late').code;
await engine.attention({ q: x, k: x, v: x, heads: 8, ...presets.torch({ is_causal: true }) });
const stateDict = headpool.weightsToTorch(createXavierWeights({ modelDim: 512, heads: 8 }));
await headpool.writeStateDict('weights.safetensors', stateDict);
const closing: CloseOptions = { timeoutMs: 5000 };
if (engine.ready) await engine.close(closing);
await engine[Symbol.asyncDispose]();
layer[Symbol.dispose]();

// @ts-expect-error only an engine makes layers
export const made = new headpool.MultiHeadAttention();
// @ts-expect-error there is no such option
await layer.forward(x, { casual: true });
// @ts-expect-error a kernel has one of a few names
await createEngine({ kernel: 'fast' });
