// The heads of an attention, and how their operands lie in memory: pages of caches, packed weights.
import type { Dtype } from '../tensor/dtype.js';
import type { Region } from '../tensor/region.js';

/** The heads of an attention and their widths. */
export interface Heads {
  readonly heads: number;
  /** Key/value heads; query head h reads head floor(h / (heads / kvHeads)). */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
}

/** Keys and values of caches: page p of a pool starts at p * pageStride, and holds keys before values. */
export interface Paging {
  readonly storage: Dtype;
  readonly pools: readonly Region[];
  /** Int32 numbers of pages: those of an entry follow one another. */
  readonly table: Region;
  readonly pageKeys: number;
  readonly pageStride: number;
}

/** Keys of a page of a cache: a multiple of every kernel's tile. */
export const pageTokens = 128;

/**
 * Packed weights, cut along their columns into segments that are packed each by itself: for projections into heads
 * a segment is a head. Segment s lies at s * packedLength(segmentColumns, depth, panelColumns) floats.
 */
export interface Panels {
  readonly region: Region;
  readonly columns: number;
  readonly segmentColumns: number;
}

/** Floats of `columns` columns of packed weights: whole panels, each with its biases in front of its weights. */
export function packedLength(columns: number, depth: number, panelColumns: number): number {
  return Math.ceil(columns / panelColumns) * panelColumns * (1 + depth);
}
