// What measuring gives, grids and scaling experiments: plain JSON, kept in files and compared between builds. Field by
// field what it means and what a file may hold; types follow from it (grid/results.ts, scaling/results.ts). The error of
// a schema is what was expected, as the middle of "expected … for `name`, got …".
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';
import { dtypes } from '../core/tensor/dtype.js';
import { optionNames } from './cases/options.js';

/** What a schema reads, as nobody changes it. */
export type Stored<Schema extends z.ZodType> = Frozen<z.output<Schema>>;

type Frozen<T> = T extends readonly (infer Element)[]
  ? readonly Frozen<Element>[]
  : T extends object
    ? { readonly [Name in keyof T]: Frozen<T[Name]> }
    : T;

// Zod types fewer codes than it gives.
const isOf = (code: string, wanted: string): boolean => code === wanted;
const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (isOf(code, 'unrecognized_keys') ? 'no such field' : 'an object'),
  });
const text = z.string({ error: 'text' });
const flag = z.boolean({ error: 'true or false' });
const number = z.number({ error: 'a finite number' });
const positive = number.positive({ error: 'a number > 0' });
const integer = (least: number) => {
  const error = `an integer >= ${least}`;
  return z.int({ error }).min(least, { error });
};
const count = integer(1);
const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });
const list = <Element extends z.ZodType>(element: Element) => z.array(element, { error: 'a list' });
const filled = <Element extends z.ZodType>(element: Element) =>
  list(element).min(1, { error: 'at least one element' });
const format = <const Known extends number>(known: Known) =>
  z.literal(known, { error: `${known}, the format that this version reads,` });
const some = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape, { error: 'an object' });

const kernel = oneOf(kernelNames);
/** Where a figure lies with 95 % confidence. */
const interval = fields({ low: number, high: number });
const summary = fields({
  count,
  min: positive,
  p10: positive,
  median: positive,
  p90: positive,
  p99: positive,
  max: positive,
});
/** Milliseconds by phase of the engine. */
const phases = <Ms extends z.ZodType>(ms: Ms) => z.record(z.string(), ms, { error: 'an object' });

export const machine = fields({
  cpu: text,
  cores: integer(0),
  parallelism: count,
  memoryBytes: positive,
  node: text,
  v8: text,
  platform: text,
});

const origin = {
  title: text,
  version: text,
  /** ISO 8601. */
  startedAt: text,
  elapsedMs: number,
  /** Signs that the machine was busy with something else; with one, figures are not to be trusted. Earlier files have none. */
  busy: list(text).default([]),
  machine,
};

/**
 * - layer: projections, attention and W^O on x [batch, tokens, modelDim]
 * - attention: q, k, v [batch, heads, tokens, headDim] alone
 * - decode: one token of each sequence after `tokens` cached ones, through the layer
 */
export const benchModes = ['layer', 'attention', 'decode'] as const;

/** One configuration; modelDim = heads · headDim. */
export const benchCase = fields({
  mode: oneOf(benchModes),
  modelDim: count,
  heads: count,
  headDim: count,
  kvHeads: count,
  tokens: count,
  batch: count,
  causal: flag,
  /** Earlier tokens that a query attends beside itself; null: all. */
  window: integer(0).nullable(),
  /** Of the inputs, and in mode decode of the cache. */
  dtype: oneOf(dtypes),
  /** Files of earlier versions have none. */
  options: oneOf(optionNames).default('none'),
  kernel,
  threads: count,
});

/**
 * What a device does for a call, in milliseconds: inputs handed over, a submission computed, results taken back; and the
 * most bytes of its memory that buffers took.
 */
export const deviceUse = fields({
  uploadMs: number,
  computeMs: number,
  readBackMs: number,
  bufferBytes: integer(0),
});

/** Calls that were timed one after the other, and what the machine could do then. */
export const round = fields({
  /** Milliseconds of a call, one number for each sample. */
  ms: filled(positive),
  /** FLOP a second of nothing but multiply-adds on the case's threads, measured just before and after; their mean. */
  peak: positive,
  /** Mean milliseconds of a call; without phases that took none. */
  phaseMs: phases(positive),
  /** Means of a call, and the most memory that buffers took; where the device is a GPU. */
  device: deviceUse.exactOptional(),
});

export const measuredCell = fields({
  status: z.literal('measured'),
  case: benchCase,
  /** The grid is gone through several times; each time gives one. */
  rounds: filled(round),
  /** Of all samples. */
  ms: summary,
  /** Of the median. */
  interval,
  /** The middle 80 % of the samples as a share of their median. */
  spread: number,
  /** Of a call: the median of the rounds. */
  phaseMs: phases(number),
  /** Medians of the rounds, and the most of their memory; where the device is a GPU. */
  device: deviceUse.exactOptional(),
  flop: positive,
  tokensPerSecond: positive,
  gflopPerSecond: positive,
  /** Of the multiply-adds' rate in between, 0 … 1. */
  peakShare: positive,
  /** Read from memory, where that is what bounds a call (mode decode); else null. */
  gigabytesPerSecond: positive.nullable(),
  /** Of the process, at most, while it was measured. */
  residentBytes: integer(0),
  /** Packed weights and working memory of the engine during a call. */
  workingBytes: integer(0),
  /** Of them, those of the packed weights: what lies there before the first call, without a cache. */
  fixedBytes: integer(0),
  /** Largest error of the checked rows against float64, as a share of their largest number. */
  error: number,
  /** The cell against itself, samples in pairs (A A): their ratio. */
  control: fields({ median: positive, interval }),
  /** The control failed twice: the figures are no better than the machine was quiet. */
  isNoisy: flag,
});

/** A configuration that can't be measured here. */
export const missingCell = fields({ status: z.literal('unavailable'), case: benchCase, reason: text });

const cell = z.discriminatedUnion('status', [measuredCell, missingCell], {
  error: ({ code }) => (isOf(code, 'invalid_union') ? 'one of measured, unavailable' : 'an object'),
});

/** tokens and batch by themselves; heads of one modelDim, or of one headDim; modelDim of as many heads. */
export const lawAxes = ['tokens', 'batch', 'heads', 'modelDim'] as const;

/**
 * - time: milliseconds of a call
 * - projections, attention: milliseconds of the phases of a layer
 * - memory: bytes of the cache and of working memory; weights are as large for one token as for many
 */
export const lawQuantities = ['time', 'projections', 'attention', 'memory'] as const;

/** factor · x^exponent through at least three cells that are alike but for one axis. */
export const growthLaw = fields({
  /** Of the cells, with the axis in place of its values: 'layer 512/8/tokens native x2'. */
  name: text,
  axis: oneOf(lawAxes),
  quantity: oneOf(lawQuantities),
  /** The least and the largest x. */
  from: count,
  to: count,
  points: integer(3),
  exponent: number,
  /** Milliseconds or bytes at x = 1. */
  factor: positive,
  /** Of the exponent; null with three points. */
  interval: interval.nullable(),
  /** Root mean square of the deviations of logarithms: 0.05 is about 5 %. */
  deviation: number,
  /** What the same fit makes of the FLOP; null of memory. */
  flopExponent: number.nullable(),
  /** One of the cells is noisy; false of memory, which is counted. */
  isNoisy: flag,
});

/** Where the projections and the attention of a layer cost the same, among the sizes that were measured. */
export const crossover = fields({
  name: text,
  axis: oneOf(lawAxes),
  /** By the fitted times. */
  at: positive,
  /** By the FLOP; null where these don't cross. */
  flopAt: positive.nullable(),
});

/** What was asked of a cell, and whether it showed it; found is null where it has no such figure. */
export const barOutcome = fields({ name: text, found: number.nullable(), wanted: text, isMet: flag });

export const gridFormat = 2;

export const gridResults = fields({
  benchmark: z.literal('grid'),
  format: format(gridFormat),
  ...origin,
  /** Of each kernel that computed. */
  instructionSets: z.partialRecord(kernel, text, {
    error: ({ code }) =>
      isOf(code, 'unrecognized_keys') ? `one of ${kernelNames.join(', ')} as a key` : 'an object',
  }),
  /** The GPU that kernels computed on, where one did: its name, and its driver. */
  adapter: text.exactOptional(),
  cells: list(cell),
  laws: fields({ growth: list(growthLaw), crossovers: list(crossover) }),
  /** Where there were any. */
  bars: list(barOutcome).exactOptional(),
});

/** strong: the same work on more workers; weak: as much more work as there are more workers. */
export const scalingKinds = ['strong', 'weak'] as const;

/** What the work can be cut along: everything else is too small to be cut. */
export const scalingAxes = ['heads', 'sequences', 'queries'] as const;

/** The work of one point: a self-attention layer. */
export const scalingWork = fields({
  modelDim: count,
  heads: count,
  tokens: count,
  batch: count,
  flop: positive,
});

export const scalingPoint = fields({
  workers: count,
  work: scalingWork,
  /** Milliseconds of a call. */
  ms: summary,
  interval,
  /** Work a second against one worker's, of pairs measured in turn. */
  speedUp: positive,
  speedUpInterval: interval,
  /** speedUp / workers. */
  efficiency: positive,
  /** How many times faster so many workers run nothing but multiply-adds. */
  peakSpeedUp: positive,
  /** speedUp / peakSpeedUp: what is lost to the work and not to the machine. */
  peakEfficiency: positive,
  /** Of a call, the slowest worker's. */
  phaseMs: phases(number),
  /** Milliseconds of a call between the call and its first phase, and between its last phase and its result. */
  dispatchMs: number,
  /** Mean share of the workers' time in which they had no unit, 0 … 1, as the simulation of the plan tells it. */
  waitShare: number,
  /** The point against itself, in pairs (A A): their ratio. Files of earlier versions have none. */
  control: fields({ median: positive, interval }).exactOptional(),
});

/** A point that was computed and not measured: the real plan on simulated workers. */
export const predictedPoint = fields({
  workers: count,
  ms: positive,
  speedUp: positive,
  /** Whether the machine has no so many processors, so that nobody could check it. */
  isBeyondMachine: flag,
});

/** speedUp(n) = 1 / (serial + (1 - serial) / n) (Amdahl, 1967). */
export const amdahlFit = fields({
  serial: number,
  /** Root mean square of the relative deviations. */
  deviation: number,
});

/** speedUp(n) = n / (1 + contention (n - 1) + coherence n (n - 1)) (Gunther, 1993). */
export const universalFit = fields({
  contention: number,
  coherence: number,
  /** Workers at which more of them begin to cost; null if there are none. */
  peakWorkers: number.nullable(),
  deviation: number,
});

export const scalingCurve = fields({
  kind: oneOf(scalingKinds),
  axis: oneOf(scalingAxes),
  /** In order of workers, from 1. */
  points: list(scalingPoint),
  predicted: list(predictedPoint),
  /** Largest relative deviation of the predicted from the measured points. */
  predictionError: number,
  /** Null with fewer than three points. */
  amdahl: amdahlFit.nullable(),
  /** Null with fewer than four points. */
  universal: universalFit.nullable(),
});

export const scalingFormat = 1;

export const scalingResults = fields({
  benchmark: z.literal('scaling'),
  format: format(scalingFormat),
  ...origin,
  kernel,
  instructionSet: text,
  /** FLOP a second of nothing but multiply-adds, by number of workers from 1. */
  peaks: list(positive),
  curves: list(scalingCurve),
});

/** What must be known of a file before its other fields are read. */
export const kindOfResults = some({ benchmark: oneOf(['grid', 'scaling']) });
export const formats = {
  grid: some({ format: format(gridFormat) }),
  scaling: some({ format: format(scalingFormat) }),
};
