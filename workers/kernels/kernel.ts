// The interface that every kernel meets, and the parameters of its operations. Types only.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Dtype } from '../../src/core/tensor/dtype.js';
import type { ScoreStage } from '../../src/core/protocol/attention-work.js';
import type { KernelTraits } from '../../src/core/protocol/kernels.js';

/** Numbers of a larger array: `data` from `offset` on. Strides beside it count elements. */
export interface Slice<T = Float32Array> {
  readonly data: T;
  readonly offset: number;
}

/** output[row, column] = bias[column] + Σ_k rows[row, k] · weight[column, k], for one segment of packed weights. */
export interface Projection {
  readonly rows: Slice; // [rowCount, depth]
  readonly rowCount: number;
  readonly depth: number;
  readonly panels: Slice;
  readonly columns: number;
  readonly output: Slice; // [rowCount, columns], rows outputStride apart
  readonly outputStride: number;
}

/** Numbers of keys or values: Float32Array where they are stored as float32, else Uint16Array. */
export type StoredSlice = Slice | Slice<Uint16Array>;

/**
 * output[i, g] = headScale[g] · Σ_j softmax_j(s[g, i, j]) · v[j] for the queries i of one block and the `group` query
 * heads g that share a key/value head, where a score s is scale · q[i, g]·k[j], then softcapped, then less its ALiBi
 * term, then with its bias, and then left out or not.
 */
export interface AttentionBlock {
  readonly query: Slice; // element d of (i, g) at i * queryStride + g * queryHeadStride + d
  readonly queryStride: number;
  readonly queryHeadStride: number;
  readonly key: StoredSlice; // [keys, headDim], rows keyStride apart
  readonly keyStride: number;
  readonly value: StoredSlice; // [keys, valueDim], rows valueStride apart
  readonly valueStride: number;
  /** How numbers of key and value are stored; they are computed on as float32. */
  readonly storage: Dtype;
  /** Null where the rows of keys and values follow one another. */
  readonly pages: BlockPages | null;
  readonly output: Slice; // like query
  readonly outputStride: number;
  readonly outputHeadStride: number;
  readonly queries: number;
  readonly group: number;
  readonly keys: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly scale: number;
  /** c of c · tanh(score / c); 0 = none. */
  readonly softcap: number;
  /** Keys that every query attends besides the others, whatever is masked. */
  readonly extra: { readonly key: Slice; readonly value: Slice; readonly count: number } | null;
  /** Query i stands at i + position on the diagonal, key j at j. */
  readonly position: number;
  /** Query i may attend the keys i + firstOffset <= j <= i + lastOffset. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** 0 = left out. */
  readonly mask: Strided<Uint8Array> | null;
  /** Added to the scaled score; -Infinity = left out. */
  readonly bias: Strided<Float32Array> | null;
  /** slope · |position of the query - j| is subtracted from the score; [group]. */
  readonly alibiSlopes: Slice | null;
  /** A logit that joins the softmax's denominator only; [group]. */
  readonly sinks: Slice | null;
  /** A factor of the output; 0 gives exact zeros; [group]. */
  readonly headScale: Slice | null;
  readonly weights: BlockWeights | null;
  readonly scores: BlockScores | null;
  /** `rowStatistics` numbers of row i * group + g. */
  readonly statistics: Slice | null;
  readonly logSumExp: BlockSums | null;
  /** At most `mostDecodingRows` rows, computed as memory gives keys and values; the last bits may differ from a block's. */
  readonly isDecoding: boolean;
  /**
   * When decoding over a range of the keys: where row i * group + g leaves `partialFloats` for `merge`; neither output
   * nor logSumExp is written then, nor is headScale applied.
   */
  readonly partial: Slice | null;
}

/** Natural logarithm of the softmax's denominator, (g, i) at g * headStride + i. */
export interface BlockSums {
  readonly to: Slice;
  readonly headStride: number;
}

/**
 * Keys and values in pages: row j of either is row j % pageKeys of page table[j / pageKeys]; pages lie `stride` elements
 * apart, and `pageKeys` is a multiple of every kernel's tile.
 */
export interface BlockPages {
  readonly table: Slice<Int32Array>;
  readonly pageKeys: number;
  readonly stride: number;
}

/** Rows computed over ranges of keys, to be put together in the order of the ranges. */
export interface PartialRows extends Pick<
  AttentionBlock,
  | 'output'
  | 'outputStride'
  | 'outputHeadStride'
  | 'queries'
  | 'group'
  | 'valueDim'
  | 'logSumExp'
  | 'headScale'
> {
  readonly partial: Slice; // [ranges, rows, partialFloats]
  readonly ranges: number;
}

/** Element (g, i, j) at the sum of the strides; 0 repeats. */
export interface Strided<T> {
  readonly from: Slice<T>;
  readonly headStride: number;
  readonly queryStride: number;
  readonly keyStride: number;
}

/** Probability of (g, i, j), times `share`, stored or added. */
export interface BlockWeights {
  readonly to: Slice;
  /** The column of the first extra key: behind those of all keys, padding included. */
  readonly extraColumn: number;
  readonly headStride: number;
  readonly queryStride: number;
  readonly share: number;
  readonly isAdded: boolean;
}

/** Score of (g, i, j) as it is after `stage`; -Infinity where 'biased' leaves it out. */
export interface BlockScores {
  readonly to: Slice;
  readonly stage: ScoreStage;
  readonly extraColumn: number;
  readonly headStride: number;
  readonly queryStride: number;
}

/** Weights of one segment into the panels that `project` reads. */
export interface Packing {
  readonly weight: Slice; // [columns, depth]
  readonly bias: Slice | null; // [columns]
  readonly columns: number;
  readonly depth: number;
  readonly panels: Slice;
}

/** One worker's kernel. Operations write nothing but their outputs and keep nothing of their arguments. */
export interface Kernel {
  readonly traits: KernelTraits;
  /** Takes note of memory that is about to be filled; it may be asked for in large pages. */
  prepare(floats: Float32Array): void;
  /** Packs one segment of weights. */
  pack(packing: Packing): void;
  /** Multiplies rows with one segment of packed weights. */
  project(projection: Projection): void;
  /** Computes one block of attention. */
  attend(block: AttentionBlock): void;
  /** Puts rows together that were computed over ranges of keys. */
  merge(rows: PartialRows): void;
  /** Runs `rounds` rounds of multiply-adds on registers, `traits.flopPerRound` each. */
  multiplyAdd(rounds: number): void;
  /** Reads `length` floats once, as fast as memory gives them. */
  read(floats: Slice, length: number): void;
}

/** What the registry knows of a kernel before a worker uses it. */
export interface KernelFactory {
  /** Whether the kernel can run here; never throws. */
  probe(): KernelTraits | { readonly reason: string };
  /** @param views the worker's views of shared memory, with the arena's memory where the traits ask for one. */
  create(views: RegionViews): Kernel;
}
