// The work of a layer around its attention: packing weights, products with them, and the norms of what heads contribute.
import type { Region } from '../tensor/region.js';
import type { Panels } from './layout.js';
import type { StatisticsOutput } from './statistics.js';
import type { Strided } from './strided.js';

/** Weights into the panels that the kernel wants. Units: [linear, segment, -, -, -]. */
export interface PackWork {
  readonly kind: 'pack';
  readonly linears: readonly {
    readonly weight: Region; // [columns, depth]
    readonly bias: Region | null; // [columns]
    readonly depth: number;
    readonly target: Panels;
  }[];
}

/** Rows times packed weights. Units: [product, first row, end row, first segment, end segment]. */
export interface ProjectWork {
  readonly kind: 'project';
  readonly products: readonly Product[];
}

export interface Product {
  readonly rows: Region; // [rowCount, depth]
  readonly depth: number;
  /** Segments are numbered through all outputs of the product. */
  readonly outputs: readonly ProductOutput[];
}

/** Element (row, column c of segment s) goes to [s * segmentStride + row * rowStride + c]. */
export interface ProductOutput {
  readonly panels: Panels;
  readonly region: Region;
  readonly segmentStride: number;
  readonly rowStride: number;
}

/** Gram matrices W_hᵀ·W_h of the columns of W^O that belong to a head. Units: [head, -, -, -, -]. */
export interface GramWork {
  readonly kind: 'gram';
  readonly weight: Region; // [rows, heads · valueDim]
  readonly rows: number;
  readonly heads: number;
  readonly valueDim: number;
  readonly to: Region; // [heads, valueDim, valueDim]
}

/** Norms of what heads contribute to the output. Units: [entry, first head, end head, first query, end query]. */
export interface ContributeWork {
  readonly kind: 'contribute';
  readonly valueDim: number;
  readonly concat: Strided;
  readonly gram: Panels; // a segment a head
  readonly statistics: StatisticsOutput;
}
