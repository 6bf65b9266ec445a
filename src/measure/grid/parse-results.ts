// Reads files of results, of grids and of scaling experiments, and refuses what isn't what it should be.
import { stat, readFile } from 'node:fs/promises';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import { attempt } from '../../files/attempt.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import type { KernelName } from '../../core/protocol/kernels.js';
import type { Machine } from '../machine.js';
import {
  scalingAxes,
  scalingFormat,
  scalingKinds,
  type AmdahlFit,
  type PredictedPoint,
  type ScalingCurve,
  type ScalingPoint,
  type ScalingResults,
  type ScalingWork,
  type UniversalFit,
} from '../scaling/results.js';
import type { Interval, Summary } from '../statistics.js';
import { fieldOf, fieldsOf, filled, flag, integer, list, nullable, number, object } from './fields.js';
import { oneOf, positive, record, refuse, text, type Place, type Reader } from './fields.js';
import {
  benchModes,
  gridFormat,
  lawAxes,
  lawQuantities,
  type BenchCase,
  type Cell,
  type Crossover,
  type GridLaws,
  type GridResults,
  type GrowthLaw,
  type MeasuredCell,
  type MissingCell,
  type Round,
} from './results.js';

export type Results = GridResults | ScalingResults;

// A grid of ten thousand cells has a tenth of that.
const mostBytes = 512 * 2 ** 20;

/** @throws FILE_FAILED; INVALID_FILE naming the field that is missing, surplus or wrong */
export async function readResults(path: string): Promise<Results> {
  const { size } = await attempt(path, 'read', () => stat(path));
  if (size > mostBytes) throw invalidFile(path, `at most ${mostBytes} bytes`, 'file', size);
  return parseResults(await attempt(path, 'read', () => readFile(path, 'utf8')), path);
}

/** The same of the text of a file; `path` is for messages. @throws INVALID_FILE */
export function parseResults(content: string, path: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new HeadpoolError('INVALID_FILE', `${path}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  const place: Place = { path, name: '', value };
  const fields = fieldsOf({ ...place, name: 'file' });
  const kind = oneOf('grid', 'scaling')({ path, name: 'benchmark', value: fieldOf(fields, 'benchmark') });
  const format = { path, name: 'format', value: fieldOf(fields, 'format') };
  const known = kind === 'grid' ? gridFormat : scalingFormat;
  // Before all else: another format has other fields.
  if (format.value !== known) throw refuse(format, `${known}, the format that this version reads,`);
  return kind === 'grid' ? gridResults(place) : scalingResults(place);
}

const kernelNames = ['native', 'wasm', 'reference'] as const satisfies KernelName[];
const dtypes = ['f32', 'f16', 'bf16'] as const satisfies Dtype[];
const kernel: Reader<KernelName> = oneOf(...kernelNames);
const count = integer(1);

const interval = object<Interval>({ low: number, high: number });

const summary = object<Summary>({
  count,
  min: positive,
  p10: positive,
  median: positive,
  p90: positive,
  p99: positive,
  max: positive,
});

const machine = object<Machine>({
  cpu: text,
  cores: integer(0),
  parallelism: count,
  memoryBytes: positive,
  node: text,
  v8: text,
  platform: text,
});

const benchCase = object<BenchCase>({
  mode: oneOf(...benchModes),
  modelDim: count,
  heads: count,
  headDim: count,
  kvHeads: count,
  tokens: count,
  batch: count,
  causal: flag,
  window: nullable(integer(0)),
  dtype: oneOf(...dtypes),
  kernel,
  threads: count,
});

const round = object<Round>({ ms: filled(positive), peak: positive, phaseMs: record(undefined, positive) });

const measuredCell = object<MeasuredCell>({
  status: oneOf('measured'),
  case: benchCase,
  rounds: filled(round),
  ms: summary,
  interval,
  spread: number,
  phaseMs: record(undefined, number),
  flop: positive,
  tokensPerSecond: positive,
  gflopPerSecond: positive,
  peakShare: positive,
  gigabytesPerSecond: nullable(positive),
  residentBytes: integer(0),
  workingBytes: integer(0),
  fixedBytes: integer(0),
  error: number,
  control: object<MeasuredCell['control']>({ median: positive, interval }),
  isNoisy: flag,
});

const missingCell = object<MissingCell>({ status: oneOf('unavailable'), case: benchCase, reason: text });

const cell: Reader<Cell> = (place) => {
  const status = { ...place, name: `${place.name}.status`, value: fieldOf(fieldsOf(place), 'status') };
  return oneOf('measured', 'unavailable')(status) === 'measured' ? measuredCell(place) : missingCell(place);
};

const growthLaw = object<GrowthLaw>({
  name: text,
  axis: oneOf(...lawAxes),
  quantity: oneOf(...lawQuantities),
  from: count,
  to: count,
  points: integer(3),
  exponent: number,
  factor: positive,
  interval: nullable(interval),
  deviation: number,
  flopExponent: nullable(number),
  isNoisy: flag,
});

const crossover = object<Crossover>({
  name: text,
  axis: oneOf(...lawAxes),
  at: positive,
  flopAt: nullable(positive),
});

const gridResults = object<GridResults>({
  benchmark: oneOf('grid'),
  format: oneOf(gridFormat),
  title: text,
  version: text,
  startedAt: text,
  elapsedMs: number,
  machine,
  instructionSets: record(kernelNames, text),
  cells: list(cell),
  laws: object<GridLaws>({ growth: list(growthLaw), crossovers: list(crossover) }),
});

const work = object<ScalingWork>({
  modelDim: count,
  heads: count,
  tokens: count,
  batch: count,
  flop: positive,
});

const point = object<ScalingPoint>({
  workers: count,
  work,
  ms: summary,
  interval,
  speedUp: positive,
  speedUpInterval: interval,
  efficiency: positive,
  peakSpeedUp: positive,
  peakEfficiency: positive,
  phaseMs: record(undefined, number),
  dispatchMs: number,
  waitShare: number,
});

const predictedPoint = object<PredictedPoint>({
  workers: count,
  ms: positive,
  speedUp: positive,
  isBeyondMachine: flag,
});

const curve = object<ScalingCurve>({
  kind: oneOf(...scalingKinds),
  axis: oneOf(...scalingAxes),
  points: list(point),
  predicted: list(predictedPoint),
  predictionError: number,
  amdahl: nullable(object<AmdahlFit>({ serial: number, deviation: number })),
  universal: nullable(
    object<UniversalFit>({
      contention: number,
      coherence: number,
      peakWorkers: nullable(number),
      deviation: number,
    }),
  ),
});

const scalingResults = object<ScalingResults>({
  benchmark: oneOf('scaling'),
  format: oneOf(scalingFormat),
  title: text,
  version: text,
  startedAt: text,
  elapsedMs: number,
  machine,
  kernel,
  instructionSet: text,
  peaks: list(positive),
  curves: list(curve),
});
