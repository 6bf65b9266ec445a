// The interface that every kernel meets, and the parameters of its operations. Types only.
import type { Region, RegionViews } from '../../src/core/tensor/region.js';
import type { Dtype } from '../../src/core/tensor/dtype.js';
import type { ScoresOutput, WeightsOutput } from '../../src/core/protocol/attention-work.js';
import type { KernelProblem, KernelTraits } from '../../src/core/protocol/kernels.js';
import type { ScoreRules } from '../../src/core/protocol/score-rules.js';
import type { Slice, Strided } from '../../src/core/protocol/strided.js';
import type { Work } from '../../src/core/protocol/work.js';

/** Numbers of a larger array. */
export type Floats = Slice<Float32Array>;

/** Rows of heads; strides of entries mean nothing to a kernel. */
export type Operand<Data = Float32Array> = Strided<Data>;

/** output[row, column] = bias[column] + Σ_k rows[row, k] · weight[column, k], for one segment of packed weights. */
export interface Projection {
  readonly rows: Floats; // [rowCount, depth]
  readonly rowCount: number;
  readonly depth: number;
  readonly panels: Floats;
  readonly columns: number;
  readonly output: Operand; // [rowCount, columns]
}

/**
 * output[g, i] = headScale[g] · Σ_j softmax_j(s[g, i, j]) · v[j] for the queries i of one block and the `group` query
 * heads g that share a key/value head, where a score s is scale · q[g, i]·k[j] and what the rules make of it.
 */
export interface AttentionBlock {
  readonly queries: number;
  readonly group: number;
  readonly keys: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly query: Operand; // [group, queries, headDim]
  readonly key: Operand<StoredNumbers>; // [keys, headDim]
  readonly value: Operand<StoredNumbers>; // [keys, valueDim]
  /** How numbers of key and value are stored; they are computed on as float32. */
  readonly storage: Dtype;
  /** Null where the rows of keys and values follow one another. */
  readonly pages: BlockPages | null;
  readonly output: Operand; // [group, queries, valueDim]
  /** Keys that every query attends besides the others, whatever is masked. */
  readonly extra: { readonly count: number; readonly key: Operand; readonly value: Operand } | null;
  readonly rules: BlockRules;
  /** Query i stands at i + position on the diagonal, key j at j. */
  readonly position: number;
  readonly weights: WeightsOutput<Float32Array> | null; // [group, queries, keys]
  readonly scores: ScoresOutput<Float32Array> | null; // [group, queries, keys]
  readonly statistics: Operand | null; // [group, queries, rowStatistics]
  /** Natural logarithm of the softmax's denominator. */
  readonly logSumExp: Operand | null; // [group, queries]
  /** At most `mostDecodingRows` rows, computed as memory gives keys and values; the last bits may differ from a block's. */
  readonly isDecoding: boolean;
  /**
   * When decoding over a range of the keys: where rows leave what they gathered for `merge`; neither output nor
   * logSumExp is written then, nor is headScale applied.
   */
  readonly partial: Operand | null; // [group, queries, partialFloats]
}

/** Keys and values: Float32Array where they are stored as float32, else Uint16Array. */
export type StoredNumbers = Float32Array | Uint16Array;

/** From the first head, query and key of the block on. */
export type BlockRules = ScoreRules<Float32Array, Uint8Array>;

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
  'output' | 'queries' | 'group' | 'valueDim' | 'logSumExp'
> {
  readonly headScale: BlockRules['headScale'];
  readonly partial: Operand; // entries are ranges: [ranges, group, queries, partialFloats]
  readonly ranges: number;
}

/** Weights of one segment into the panels that `project` reads. */
export interface Packing {
  readonly weight: Floats; // [columns, depth]
  readonly bias: Floats | null; // [columns]
  readonly columns: number;
  readonly depth: number;
  readonly panels: Floats;
}

/** One worker's kernel that takes unit after unit. Operations write nothing but their outputs and keep nothing of their arguments. */
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
  read(floats: Floats, length: number): void;
}

/** A kernel that takes whole phases or whole jobs and answers later, as one that owns a device does. */
export interface JobKernel {
  readonly traits: KernelTraits;
  /**
   * Computes phases in their order: one at a time or all of a job, as `traits.takes` says. Once it has settled, nothing
   * touches their memory any more.
   * @param isStopped whether the job was given up; looking often makes a cancelled call end soon
   * @param isResident whether what the job writes on the device stays there until it is released
   */
  run(phases: readonly TakenPhase[], isStopped: () => boolean, isResident: boolean): Promise<void>;
  /** Frees what a resident job wrote. */
  release?(regions: readonly Region[]): void;
  /** Settles with the reason once the device can't be used any more. */
  readonly lost?: Promise<Error>;
  /** Gives the device back. */
  close?(): Promise<void>;
}

/** All units of a phase, with the tables of entries that its work names. */
export interface TakenPhase {
  readonly work: Work;
  readonly units: Int32Array; // [unitCount, unitWords]
  readonly entries: readonly Float64Array[];
}

/** What the registry knows of a kernel before a worker uses it. */
export interface KernelFactory {
  /** Whether the kernel can run here; never throws. */
  probe(): KernelTraits | KernelProblem;
  /**
   * @param views the worker's views of shared memory, with the arena's memory where the traits ask for one
   * @param instructionSet the one that a probe told, where the kernel has a choice
   */
  create(views: RegionViews, instructionSet: string): Kernel;
}
