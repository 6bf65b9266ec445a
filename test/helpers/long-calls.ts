// Calls that are still at work when a test does something to them, and what became of them.
import { HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import type { Engine } from '../../src/engine/engine.js';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';

export const modelDim = 64;

/** Timers count whole milliseconds, from a time that is read once a turn of the event loop. */
export const timerErrorMs = 2;

export async function startLayer(engine: Engine): Promise<MultiHeadAttention> {
  return engine.multiHeadAttention({ heads: 4, weights: createXavierWeights({ modelDim, heads: 4 }) });
}

/** A call that keeps two workers busy for about `tokens`² · 10 ns on the plain kernel. */
export function longInput(engine: Engine, tokens = 1500): Tensor {
  return engine.tensor(
    [tokens, modelDim],
    Float32Array.from({ length: tokens * modelDim }, (_, n) => Math.sin(n)),
  );
}

/** Attention that no worker finishes within seconds, into buffers of the caller. */
export function endlessCall(engine: Engine, options: AttentionOptions = {}) {
  const x = engine.tensor([engine.info.kernel === 'reference' ? 20_000 : 60_000, modelDim]);
  x.data.fill(1);
  const out = engine.tensor(x.shape);
  const call = engine.attention({ q: x, k: x, v: x, heads: 4, out, ...options });
  return { x, out, call, ended: rejection(call) };
}

/** Timers that this process waits for. */
export const countTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

/** What a promise is rejected with; undefined if it isn't. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof HeadpoolError ? error.code : undefined;
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once a worker has written something of a call's output, and so is at work. */
export async function untilWritten({ data }: Tensor): Promise<void> {
  while (data.every((value) => value === 0)) await sleep(5);
}
