// What measuring a grid of configurations gives: plain JSON, kept in files and compared between builds. Only types, and names.
import type { Dtype } from '../../core/tensor/dtype.js';
import type { KernelName } from '../../core/protocol/kernels.js';
import type { Machine } from '../machine.js';
import type { Interval, Summary } from '../statistics.js';

export const gridFormat = 2;

/**
 * - layer: projections, attention and W^O on x [batch, tokens, modelDim]
 * - attention: q, k, v [batch, heads, tokens, headDim] alone
 * - decode: one token of each sequence behind `tokens` cached ones, through the layer
 */
export const benchModes = ['layer', 'attention', 'decode'] as const;
export type BenchMode = (typeof benchModes)[number];

/** One configuration; modelDim = heads · headDim. */
export interface BenchCase {
  readonly mode: BenchMode;
  readonly modelDim: number;
  readonly heads: number;
  readonly headDim: number;
  readonly kvHeads: number;
  readonly tokens: number;
  readonly batch: number;
  readonly causal: boolean;
  /** Earlier tokens that a query attends beside itself; null: all. */
  readonly window: number | null;
  /** Of the inputs, and in mode decode of the cache. */
  readonly dtype: Dtype;
  readonly kernel: KernelName;
  readonly threads: number;
}

/** Calls that were timed one behind the other, and what the machine could do then. */
export interface Round {
  /** Milliseconds of a call, one number for each sample. */
  readonly ms: readonly number[];
  /** FLOP a second of nothing but multiply-adds on the case's threads, measured just before and after; their mean. */
  readonly peak: number;
  /** Mean milliseconds of a call in each phase of the engine; without phases that took none. */
  readonly phaseMs: Readonly<Record<string, number>>;
}

export interface MeasuredCell {
  readonly status: 'measured';
  readonly case: BenchCase;
  /** The grid is gone through several times; each time gives one. */
  readonly rounds: readonly Round[];
  /** Of all samples. */
  readonly ms: Summary;
  /** Where the median lies with 95 % confidence. */
  readonly interval: Interval;
  /** The middle 80 % of the samples as a share of their median. */
  readonly spread: number;
  /** Milliseconds of a call in each phase of the engine: the median of the rounds. */
  readonly phaseMs: Readonly<Record<string, number>>;
  readonly flop: number;
  readonly tokensPerSecond: number;
  readonly gflopPerSecond: number;
  /** Of the multiply-adds' rate in between, 0 … 1. */
  readonly peakShare: number;
  /** Read from memory, where that is what bounds a call (mode decode); else null. */
  readonly gigabytesPerSecond: number | null;
  /** Of the process, at most, while it was measured. */
  readonly residentBytes: number;
  /** Packed weights and working memory of the engine during a call. */
  readonly workingBytes: number;
  /** Of them, those of the packed weights: what lies there before the first call, without a cache. */
  readonly fixedBytes: number;
  /** Largest error of the checked rows against the float64 oracle, as a share of their largest number. */
  readonly error: number;
  /** The cell against itself, samples in pairs (A A): their ratio. */
  readonly control: { readonly median: number; readonly interval: Interval };
  /** The control failed twice: the figures are no better than the machine was quiet. */
  readonly isNoisy: boolean;
}

/** A configuration that can't be measured here. */
export interface MissingCell {
  readonly status: 'unavailable';
  readonly case: BenchCase;
  readonly reason: string;
}

export type Cell = MeasuredCell | MissingCell;

/** tokens and batch by themselves; heads of one modelDim, or of one headDim; modelDim of as many heads. */
export const lawAxes = ['tokens', 'batch', 'heads', 'modelDim'] as const;
export type LawAxis = (typeof lawAxes)[number];

/**
 * - time: milliseconds of a call
 * - projections, attention: milliseconds of the phases of a layer
 * - memory: bytes of the cache and of working memory; weights are as large for one token as for many
 */
export const lawQuantities = ['time', 'projections', 'attention', 'memory'] as const;
export type LawQuantity = (typeof lawQuantities)[number];

/** factor · x^exponent through at least three cells that are alike but for one axis. */
export interface GrowthLaw {
  /** Of the cells, with the axis in place of its values: 'layer 512/8/tokens native x2'. */
  readonly name: string;
  readonly axis: LawAxis;
  readonly quantity: LawQuantity;
  /** The least and the largest x. */
  readonly from: number;
  readonly to: number;
  readonly points: number;
  readonly exponent: number;
  /** Milliseconds or bytes at x = 1. */
  readonly factor: number;
  /** Where the exponent lies with 95 % confidence; null with three points. */
  readonly interval: Interval | null;
  /** Root mean square of the deviations of logarithms: 0.05 is about 5 %. */
  readonly deviation: number;
  /** What the same fit makes of the FLOP; null of memory. */
  readonly flopExponent: number | null;
  /** One of the cells is noisy; false of memory, which is counted. */
  readonly isNoisy: boolean;
}

/** Where the projections and the attention of a layer cost the same, among the sizes that were measured. */
export interface Crossover {
  readonly name: string;
  readonly axis: LawAxis;
  /** By the fitted times. */
  readonly at: number;
  /** By the FLOP; null where these don't cross. */
  readonly flopAt: number | null;
}

export interface GridLaws {
  readonly growth: readonly GrowthLaw[];
  readonly crossovers: readonly Crossover[];
}

export interface GridResults {
  readonly benchmark: 'grid';
  readonly format: typeof gridFormat;
  readonly title: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly machine: Machine;
  /** Of each kernel that computed. */
  readonly instructionSets: Readonly<Partial<Record<KernelName, string>>>;
  readonly cells: readonly Cell[];
  readonly laws: GridLaws;
}

/** A case, or many that are alike but for sizes that words stand for. */
export type NamedCase = Omit<BenchCase, NamedSize> & Readonly<Record<NamedSize, number | string>>;
type NamedSize = 'modelDim' | 'heads' | 'headDim' | 'kvHeads' | 'tokens' | 'batch';

/** The name of a case where nothing else tells it from others: 'layer 768/12/2048 causal native x2'. */
export function nameOfCase(benchCase: NamedCase): string {
  const { mode, modelDim, heads, kvHeads, tokens, batch, causal, window, dtype, kernel, threads } = benchCase;
  const parts = [
    mode,
    `${modelDim}/${heads}${kvHeads === heads ? '' : `:${kvHeads}`}/${tokens}`,
    ...(batch === 1 ? [] : [`batch ${batch}`]),
    ...(causal ? ['causal'] : []),
    ...(window === null ? [] : [`window ${window}`]),
    ...(dtype === 'f32' ? [] : [dtype]),
    `${kernel} x${threads}`,
  ];
  return parts.join(' ');
}
