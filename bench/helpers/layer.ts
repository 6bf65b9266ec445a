// A self-attention layer as benchmarks describe it: seeded weights, FLOP, and rows held against float64.
import type { MultiHeadWeights, TensorLike } from '../../src/index.js';
import { checkClose, relativeError } from '../../src/measure/cases/check.js';
import { drawWeights } from '../../src/measure/cases/operands.js';
import { Oracle } from '../../src/measure/cases/oracle-row.js';

export interface LayerCase {
  readonly modelDim: number;
  readonly heads: number;
  readonly tokens: number;
  /** Whether a token attends itself and those before it only; default all. */
  readonly causal?: boolean;
}

/** With as many key and value heads as query heads. */
export function layerWeights({ modelDim, heads }: Pick<LayerCase, 'modelDim' | 'heads'>): MultiHeadWeights {
  return drawWeights({ modelDim, heads, kvHeads: heads, headDim: modelDim / heads });
}

/** Four projections and the attention between them: 8·T·d² + 4·T²·d, causal 2·T²·d; a multiply-add counts 2. */
export function layerFlop({ modelDim, tokens, causal = false }: Omit<LayerCase, 'heads'>): number {
  return 8 * tokens * modelDim ** 2 + (causal ? 2 : 4) * tokens ** 2 * modelDim;
}

export interface CheckedRows {
  /** [tokens, modelDim] */
  readonly x: TensorLike;
  /** Like x, or the last rows alone where a cache held what is before them. */
  readonly y: TensorLike;
  readonly weights: MultiHeadWeights;
  readonly heads: number;
  readonly causal?: boolean;
}

/**
 * The first row of y, the last and one in the middle.
 * @returns the largest error of a row, as a share of its largest number
 * @throws RangeError if a row is wrong
 */
export function checkRows(what: string, { x, y, weights, heads, causal = false }: CheckedRows): number {
  const [tokens, modelDim] = x.shape.slice(-2) as [number, number];
  const rows = y.data.length / modelDim;
  const headDim = modelDim / heads;
  const shape = { heads, kvHeads: heads, headDim, batch: 1, queries: tokens, keys: tokens };
  const oracle = new Oracle(shape, { causal });
  const errors = [0, rows >> 1, rows - 1].map((row) => {
    const query = tokens - rows + row;
    const { output } = oracle.layerRow({ x: x.data as Float32Array, weights }, { entry: 0, query });
    const error = relativeError(y.data.subarray(row * modelDim, (row + 1) * modelDim), output);
    checkClose(`${what}, row ${row},`, error);
    return error;
  });
  return Math.max(...errors);
}
