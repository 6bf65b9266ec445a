// Rows that tests send to the example's server, and what the library makes of them in this process.
import type { AttentionOptions } from '../../src/attention/options.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import { createEngine } from '../../src/engine/engine.js';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';
import { formatSafetensors, parseSafetensors } from '../../src/files/safetensors-bytes.js';
import { served } from './example-server.js';

export interface Rows {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export function rowsOf(shape: readonly number[], seed = 1): Rows {
  const count = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, n) => Math.sin(n + seed)) };
}

export function toSafetensors(x: Rows): Uint8Array<ArrayBuffer> {
  return formatSafetensors(new Map([['x', x]]));
}

/** Its rows, each a list. */
export function toLists({ shape, data }: Rows): number[][] {
  const [tokens, width] = shape as [number, number];
  return Array.from({ length: tokens }, (_, n) => Array.from(data.subarray(n * width, (n + 1) * width)));
}

export async function outputOf(response: Response): Promise<Tensor> {
  const { tensors } = await parseSafetensors(new Uint8Array(await response.arrayBuffer()));
  return tensors.get('output')!;
}

/** What `action` makes of the layer that servers of tests have. */
export async function withLayer<T>(action: (layer: MultiHeadAttention) => Promise<T>): Promise<T> {
  await using engine = await createEngine({ threads: 2 });
  const weights = createXavierWeights(served);
  return await action(await engine.multiHeadAttention({ heads: served.heads, weights }));
}

export function answerOf(x: Rows, options: AttentionOptions = {}): Promise<Tensor> {
  return withLayer(async (layer) => (await layer.forward(x, options)).output);
}
