// What the coordinator and its workers share: the slots of the control blocks and the description of a job.
// Types, constants and the arithmetic of slots; whoever reads or writes a slot says which order it relies on.
import type { MessagePort } from 'node:worker_threads';
import type { Dtype } from '../src/tensor/dtype.js';
import type { Region } from '../src/tensor/region.js';

/** Int32 slots are this far apart, so that no two counters share a cache line (or a pair of prefetched ones). */
export const slotStride = 32;

/** Slots of the block that each worker waits on between jobs. */
export const doorbell = {
  /** Counts the jobs posted to this worker's port; the worker waits for it to change. */
  posted: 0,
  /** Set once to make the worker return from its task. */
  closing: 1,
  slots: 2,
} as const;

/** Slots of the block that the coordinator waits on: one for the whole pool. */
export const mailbox = {
  /** Grows whenever a worker has something to say: ready, job complete, job left. */
  signals: 0,
  slots: 1,
} as const;

/** Slots of a job's control block, in units of `slotStride` Int32. */
export const control = {
  /** 0 while the job runs, else why its workers must stop. */
  stop: 0,
  /** Set to 1 by the worker that finishes the last unit of the last phase. */
  complete: 1,
  /** Two slots a phase: the next unit to take, the units done. */
  phases: 2,
} as const;

export const stopReasons = { none: 0, cancelled: 1, failed: 2 } as const;

/** The slot of a phase's cursor; the slot behind it counts the units done. */
export function cursorSlot(phase: number): number {
  return control.phases + 2 * phase;
}

/** The slot that is 1 while worker `worker` may touch the job's buffers. */
export function presenceSlot(phaseCount: number, worker: number): number {
  return control.phases + 2 * phaseCount + worker;
}

/** Milliseconds of the monotonic clock that all threads of the process share, unlike `performance.now`. */
export function sharedClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** A unit is a row of this many Int32 in its phase's table; what they mean is the phase's business. */
export const unitWords = 5;

export interface Phase {
  /** Where in the job's block the table [unitCount, unitWords] of Int32 starts; longest units first. */
  readonly unitsAt: number;
  readonly unitCount: number;
  /** Where in the job's block its tables of entries start. */
  readonly entriesAt: readonly number[];
  readonly work: Work;
}

export type Work =
  | PackWork
  | ProjectWork
  | GatherWork
  | RotateWork
  | AppendWork
  | AttendWork
  | DecodeWork
  | MergeWork
  | GramWork
  | ContributeWork
  | PeakWork
  | ReadWork;

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

/**
 * Packed weights, cut along their columns into segments that are packed each by itself: for projections into heads
 * a segment is a head. Segment s lies at s * packedLength(segmentColumns, depth, panelColumns) floats.
 */
export interface Panels {
  readonly region: Region;
  readonly columns: number;
  readonly segmentColumns: number;
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

/** How [entry, head, token, dim] lies in a region; the entry's own offset comes from the table of entries. */
export interface HeadLayout {
  readonly region: Region;
  readonly headStride: number;
  readonly tokenStride: number;
}

/**
 * Heads copied into working memory; two tables of entries, before and after.
 * Units: [entry, first head, end head, copy, -].
 */
export interface GatherWork {
  readonly kind: 'gather';
  readonly copies: readonly HeadCopy[];
}

export interface HeadCopy {
  readonly operand: 'query' | 'key' | 'value';
  readonly from: HeadLayout;
  readonly to: HeadLayout;
  readonly heads: number;
  readonly dims: number;
}

/** Float64 words of one row of a table of entries; offsets count elements. */
export const entryWords = {
  queryOffset: 0,
  queries: 1,
  keyOffset: 2,
  valueOffset: 3,
  keys: 4,
  outputOffset: 5,
  /** Position of query 0 on the diagonal. */
  diagonal: 6,
  logSumExpOffset: 7,
  /** What its rows gather over ranges of keys, where they are split. */
  partialOffset: 8,
  /** In units of `blockStatistics` numbers. */
  statisticsOffset: 9,
  /** Where keys are paged: which pool its pages are of, and where its part of the table of pages starts. */
  pool: 10,
  pagesOffset: 11,
  /** The position of the first key that a phase turns. */
  keyPosition: 12,
  /** Keys of the call, the last ones of `keys`. */
  newKeys: 13,
  count: 14,
} as const;

/**
 * Heads normalised, then turned, in place; one table of entries. A row has all its heads in one unit.
 * Units: [entry, 0 = query | 1 = key, first row, end row, first row of the entry in the batch].
 */
export interface RotateWork {
  readonly kind: 'rotate';
  readonly query: RotatedHeads;
  readonly key: RotatedHeads;
  readonly headDim: number;
  /** Added to the mean of the squares. */
  readonly epsilon: number;
  /** Null where heads are normalised only. */
  readonly rotary: Rotary | null;
}

export interface RotatedHeads {
  readonly layout: HeadLayout;
  readonly heads: number;
  readonly norm: Region | null; // [headDim] floats
  /** Doubles [rows of the batch]; null = each row stands one behind the row before it. */
  readonly positions: Region | null;
}

/** Pair i of a head turns by position · base^(-2i / dims); what lies behind the first `dims` numbers stays. */
export interface Rotary {
  readonly base: number;
  readonly dims: number;
  /** Pairs (2i, 2i + 1) instead of (i, i + dims/2). */
  readonly interleaved: boolean;
}

/**
 * New keys and values into pages; two tables of entries: of the rows of the call, and of where a page has them.
 * Units: [entry, first key/value head, end key/value head, first new row, end new row].
 */
export interface AppendWork {
  readonly kind: 'append';
  readonly key: { readonly from: HeadLayout; readonly to: HeadLayout; readonly dims: number };
  readonly value: { readonly from: HeadLayout; readonly to: HeadLayout; readonly dims: number };
  readonly paging: Paging;
}

/** Attention of query blocks. Units: [entry, first key/value head, end key/value head, first query, end query]. */
export interface AttendWork extends AttentionWork {
  readonly kind: 'attend';
}

/**
 * Attention of entries that are decoding: one query on many keys, which memory bounds.
 * Units: [entry, first key/value head, end key/value head, first key, end key].
 */
export interface DecodeWork extends AttentionWork {
  readonly kind: 'decode';
  /** Null where every entry is computed in one piece. */
  readonly split: SplitKeys | null;
}

/** Entries with more keys than a range are computed range by range. */
export interface SplitKeys {
  readonly keysPerRange: number;
  /** Of an entry: [kvHeads, ranges, rows, partialFloats(valueDim)]. */
  readonly partial: Region;
}

/**
 * What rows gathered over ranges of keys, put together; one table of entries.
 * Units: [entry, first key/value head, end key/value head, -, -].
 */
export interface MergeWork extends Pick<
  AttentionWork,
  'heads' | 'kvHeads' | 'valueDim' | 'output' | 'logSumExp' | 'headScale'
> {
  readonly kind: 'merge';
  readonly split: SplitKeys;
}

/** What attention reads and writes; one table of entries. */
export interface AttentionWork {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly scale: number;
  /** 0 = none. */
  readonly softcap: number;
  /** Query at position p may attend the keys p - left <= j <= p + right; Infinity = no bound, causal = 0 to the right. */
  readonly left: number;
  readonly right: number;
  readonly query: HeadLayout;
  readonly key: HeadLayout;
  readonly value: HeadLayout;
  /** Where keys and values lie in pages; their layouts are then those inside a page. */
  readonly paging: Paging | null;
  readonly output: HeadLayout;
  readonly extra: ExtraKeys | null;
  readonly mask: Broadcast | null; // bytes, 0 = left out
  readonly bias: Broadcast | null; // floats
  readonly alibiSlopes: Region | null; // [heads]
  readonly sinks: Region | null; // [heads]
  readonly headScale: Region | null; // [heads]
  /** Heads whose output is zeros without being computed. */
  readonly deadHeads: readonly number[];
  readonly weights: WeightsOutput | null;
  readonly scores: ScoresOutput | null;
  readonly statistics: StatisticsOutput | null;
  readonly logSumExp: { readonly region: Region; readonly headStride: number } | null;
}

/** Keys and values that every query attends besides those of its sequence; the same ones in every sequence. */
export interface ExtraKeys {
  readonly count: number;
  readonly key: Region; // [kvHeads, count, headDim]
  readonly value: Region; // [kvHeads, count, valueDim]
}

/** Strides of [entry, head, query, key], 0 along the axes that repeat. */
export interface Broadcast {
  readonly region: Region;
  readonly strides: readonly [number, number, number, number];
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

/** Element (entry, head, query, key) at the sum of the strides, extra keys from `extraColumn` on. */
export interface ColumnsOutput {
  readonly region: Region;
  readonly entryStride: number;
  readonly headStride: number;
  readonly queryStride: number;
  readonly extraColumn: number;
}

/** 'mean' adds 1/heads of every head into one. */
export interface WeightsOutput extends ColumnsOutput {
  readonly mode: 'heads' | 'mean';
}

/** After the scale; after the softcap; with ALiBi, bias and what is left out. */
export type ScoreStage = 'scaled' | 'softcapped' | 'biased';

export interface ScoresOutput extends ColumnsOutput {
  readonly stage: ScoreStage;
}

/**
 * Sums over blocks of queries, the blocks of a head behind one another: Float64 [heads, blocks, blockStatistics] an
 * entry, from its `statisticsOffset` on.
 */
export interface StatisticsOutput {
  readonly region: Region;
  readonly queriesPerBlock: number;
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
  readonly concat: HeadLayout;
  readonly gram: Panels; // a segment a head
  readonly statistics: StatisticsOutput;
}

/** Nothing but multiply-adds, to measure the machine. Units: [rounds, -, -, -, -]. */
export interface PeakWork {
  readonly kind: 'peak';
}

/** Nothing but reading memory once, to measure the machine. Units: [first float, floats, -, -, -]. */
export interface ReadWork {
  readonly kind: 'read';
  readonly region: Region;
}

/** One job. All that is small lies in one block: every further buffer makes its message slower. */
export interface Job {
  readonly id: number;
  /** The control slots from the start, then what the offsets of this description point at. */
  readonly block: SharedArrayBuffer;
  /** Where one Float64 a phase starts: when its last unit was done, by `sharedClockMs`. */
  readonly clockAt: number;
  readonly phases: readonly Phase[];
}

/** What a worker is started with; `port` carries jobs to it and reports from it. */
export interface WorkerStart {
  readonly index: number;
  readonly kernel: KernelName;
  readonly memory: WebAssembly.Memory | undefined;
  readonly doorbell: SharedArrayBuffer;
  readonly mailbox: SharedArrayBuffer;
  /** How long to look for the next job before sleeping, in ms; 0 = not at all. */
  readonly spinMs: number;
  readonly port: MessagePort;
}

export type WorkerReport =
  | { readonly kind: 'ready'; readonly threadId: number }
  | {
      readonly kind: 'failed';
      readonly job: number;
      readonly phase: number;
      readonly unit: readonly number[];
      readonly error: Error;
    };

export type KernelName = 'native' | 'wasm' | 'reference';

/** What a kernel is on this machine, or why it can't be. Best first in the answer to a probe. */
export type KernelProbe =
  | { readonly name: KernelName; readonly available: true; readonly traits: KernelTraits }
  | { readonly name: KernelName; readonly available: false; readonly reason: string };

export interface KernelTraits {
  readonly instructionSet: string;
  /** Those that the kernel could be compiled for besides, best first; where it has a choice. */
  readonly otherInstructionSets?: readonly InstructionSetNotUsed[];
  /** Columns of a panel of packed weights. */
  readonly panelColumns: number;
  /** FLOP of one round of its loop of nothing but multiply-adds. */
  readonly flopPerRound: number;
  /** Where the kernel wants its working memory. */
  readonly arena: 'webassembly' | 'plain';
}

/** An instruction set, and why it isn't the one in use. */
export interface InstructionSetNotUsed {
  readonly name: string;
  readonly reason: string;
}

/** Rows (queries times query heads of a key/value head) that a kernel takes at most when decoding. */
export const mostDecodingRows = 8;

/** Keys of a page of a cache: a multiple of every kernel's tile. */
export const pageTokens = 128;

/** What a kernel tells of a row: the fields of its statistics, of a row that attended no key all 0. */
export const rowStatistic = {
  /** -Σ p ln p, in nats. */
  entropy: 0,
  /** Σ p · |position - j| */
  distance: 1,
  /** p of key 0, of the key at the row's position, of the one before and of the one behind. */
  first: 2,
  self: 3,
  previous: 4,
  next: 5,
  largest: 6,
  /** 1 if the row attended a key. */
  hasAttended: 7,
} as const;
export const rowStatistics = 8;

/** Of a block: the sums of its rows' statistics, and behind them sums of L2 norms. */
export const blockStatistic = {
  ...rowStatistic,
  outputNorm: rowStatistics,
  /** Of what the heads contribute to the output of a layer. */
  contributionNorm: rowStatistics + 1,
} as const;
export const blockStatistics = rowStatistics + 2;

/** Floats of what a row gathers over a range of keys: undivided output, maximum, sum, and 1 if it attended a key. */
export function partialFloats(valueDim: number): number {
  return valueDim + 3;
}

/** Floats of `columns` columns of packed weights: whole panels, each with its biases in front of its weights. */
export function packedLength(columns: number, depth: number, panelColumns: number): number {
  return Math.ceil(columns / panelColumns) * panelColumns * (1 + depth);
}
