// Attention without projections on seeded inputs: what it costs, and whether an engine gets it right.
import type { Engine, Tensor } from '../../src/index.js';
import { randomTensor } from './inputs.js';
import { attentionRow, checkClose, relativeError } from './oracle.js';

export interface AttentionShape {
  readonly heads: number;
  readonly keys: number;
  /** Default `keys`. */
  readonly queries?: number;
  readonly headDim: number;
}

export class AttentionCase {
  /** q [1, heads, queries, headDim], k and v [1, heads, keys, headDim]. */
  readonly inputs: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };
  /** q·kᵀ and p·v of every head: 4·H·Tq·Tk·D. */
  readonly flop: number;
  readonly keyAndValueBytes: number;
  readonly shape: Required<AttentionShape>;

  constructor({ heads, keys, queries = keys, headDim }: AttentionShape) {
    this.shape = { heads, keys, queries, headDim };
    const tensor = (tokens: number, seed: number): Tensor => randomTensor([1, heads, tokens, headDim], seed);
    this.inputs = { q: tensor(queries, 1), k: tensor(keys, 2), v: tensor(keys, 3) };
    this.flop = 4 * heads * queries * keys * headDim;
    this.keyAndValueBytes = this.inputs.k.data.byteLength + this.inputs.v.data.byteLength;
  }

  /** @throws RangeError if a row is wrong: the first, the last and one in the middle are looked at */
  async check(engine: Engine): Promise<void> {
    const { heads, queries, headDim } = this.shape;
    const { output } = await engine.attention(this.inputs);
    for (const [head, row] of [
      [0, 0],
      [heads >> 1, queries >> 1],
      [heads - 1, queries - 1],
    ] as const) {
      const start = (head * queries + row) * headDim;
      const found = output.data.subarray(start, start + headDim);
      checkClose(`Head ${head}, row ${row}`, relativeError(found, attentionRow(this.inputs, head, row)));
    }
  }
}
