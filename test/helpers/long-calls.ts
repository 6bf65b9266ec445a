// Calls that are still at work when a test does something to them, and what became of them.
import { HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import type { Engine } from '../../src/engine/engine.js';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';

export const modelDim = 64;

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
