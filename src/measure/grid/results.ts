// What measuring a grid of configurations gives: plain JSON, kept in files and compared between builds. Only types, and names.
import type { Dtype } from '../../tensor/dtype.js';
import type { KernelName } from '../../../workers/protocol/kernels.js';
import type { Machine } from '../machine.js';
import type { Interval, Summary } from '../statistics.js';

export const gridFormat = 1;

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
}

/** The name of a case where nothing else tells it from others: 'layer 768/12/2048 causal native x2'. */
export function nameOfCase(benchCase: BenchCase): string {
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
