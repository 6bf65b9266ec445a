// What calls of a benchmark compute, whichever side they are made on, and the seeded numbers of it.
import type { MultiHeadWeights, Tensor } from '../../../src/index.js';
import { normalTensor } from '../../../src/measure/cases/inputs.js';
import { checkRows, layerWeights } from '../layer.js';

/** Self-attention layer on sequences, of which each call computes one. */
export interface Work {
  readonly modelDim: number;
  readonly heads: number;
  /** Tokens of each sequence. */
  readonly lengths: readonly number[];
  /** Tokens that a cache holds before those of a call, which attend them too; default 0. */
  readonly cached?: number;
}

/** A work on one side, ready to be called. */
export interface OpenWork extends AsyncDisposable {
  /** The rows [tokens, modelDim] of one sequence. */
  readonly call: (sequence: number) => Promise<Float32Array>;
}

export interface DrawnWork {
  readonly weights: MultiHeadWeights;
  /** All sequences one after another: [tokens, modelDim]. */
  readonly rows: Tensor;
  readonly sequences: readonly Tensor[];
  /** [cached, modelDim] */
  readonly prompt: Tensor;
}

export function drawWork(work: Work): DrawnWork {
  const { modelDim, lengths, cached = 0 } = work;
  const all = normalTensor([cached + countTokens(work), modelDim], 6);
  const cut = (first: number, tokens: number): Tensor => ({
    shape: [tokens, modelDim],
    data: all.data.subarray(first * modelDim, (first + tokens) * modelDim),
  });
  const offsets = offsetsOf(lengths);
  return {
    weights: layerWeights(work),
    rows: cut(cached, countTokens(work)),
    sequences: lengths.map((tokens, n) => cut(cached + offsets[n]!, tokens)),
    prompt: cut(0, cached),
  };
}

export function countTokens({ lengths }: Pick<Work, 'lengths'>): number {
  return lengths.reduce((sum, tokens) => sum + tokens, 0);
}

/** Where each sequence begins, and the end. */
export function offsetsOf(lengths: readonly number[]): number[] {
  const offsets = [0];
  for (const tokens of lengths) offsets.push(offsets.at(-1)! + tokens);
  return offsets;
}

/** A call of every sequence, their rows one after another. */
export async function callEach(open: OpenWork, work: Work): Promise<Float32Array> {
  const { modelDim, lengths } = work;
  const outputs = new Float32Array(countTokens(work) * modelDim);
  for (const [n, offset] of offsetsOf(lengths).slice(0, -1).entries()) {
    outputs.set(await open.call(n), offset * modelDim);
  }
  return outputs;
}

/** Rows of the first, the middle and the last sequence against float64, of one token where a cache is. @throws RangeError if one is wrong */
export function checkOutputs(outputs: Float32Array, work: Work): void {
  const { modelDim, heads, lengths, cached = 0 } = work;
  const { weights, sequences, prompt } = drawWork(work);
  const offsets = offsetsOf(lengths);
  for (const n of new Set([0, lengths.length >> 1, lengths.length - 1])) {
    const own = outputs.subarray(offsets[n]! * modelDim, offsets[n + 1]! * modelDim);
    const data = new Float32Array((cached + lengths[n]!) * modelDim);
    data.set(prompt.data);
    data.set(sequences[n]!.data, cached * modelDim);
    const x = { shape: [cached + lengths[n]!, modelDim], data };
    checkRows(`Sequence ${n}`, { x, y: { shape: [lengths[n]!, modelDim], data: own }, weights, heads });
  }
}
