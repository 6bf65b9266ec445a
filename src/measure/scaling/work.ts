// The work of scaling experiments: self-attention layers of which attention can be cut along one axis only, because
// everything else in them is as large as one unit.
import { flopOf } from '../cases/work.js';
import type { CaseShape } from '../grid/results.js';
import type { ScalingAxis, ScalingWork } from './results.js';

/** Of every head; with `blockTokens` the scores of a head are a unit. */
const headDim = 64;
/** Tokens of a block of queries, which one unit computes. */
const blockTokens = 96;

/** The work of `size` heads, sequences or blocks of queries. */
export function workOf(axis: ScalingAxis, size: number): ScalingWork {
  switch (axis) {
    // The layer is as wide as its heads, so that its projections can be cut by heads too.
    case 'heads':
      return describe({ modelDim: headDim * size, heads: size, tokens: blockTokens, batch: 1 });
    case 'sequences':
      return describe({ modelDim: headDim, heads: 1, tokens: blockTokens, batch: size });
    case 'queries':
      return describe({ modelDim: headDim, heads: 1, tokens: blockTokens * size, batch: 1 });
    default:
      return axis satisfies never;
  }
}

function describe(shape: Omit<ScalingWork, 'flop'>): ScalingWork {
  return { ...shape, flop: flopOf(shapeOf(shape)) };
}

/** A work as a case of a layer, whose operands, plan and check it has. */
export function shapeOf({ modelDim, heads, tokens, batch }: Omit<ScalingWork, 'flop'>): CaseShape {
  return {
    mode: 'layer',
    modelDim,
    heads,
    headDim: modelDim / heads,
    kvHeads: heads,
    tokens,
    batch,
    causal: false,
    window: null,
    dtype: 'f32',
    options: 'none',
  };
}

/**
 * The size of the work nearest to `flop`, at least 1. Work grows with the square of the heads (the layer gets wider) and
 * of the blocks of queries (so do the keys).
 */
export function sizeFor(axis: ScalingAxis, flop: number): number {
  let above = 1;
  while (workOf(axis, above).flop < flop) above *= 2;
  let below = Math.max(1, above / 2);
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (workOf(axis, middle).flop < flop) below = middle;
    else above = middle;
  }
  return flop - workOf(axis, below).flop <= workOf(axis, above).flop - flop ? below : above;
}
