// From the rounds of a case to the figures of its cell, and whether they can be trusted.
import { bytesRead, flopOf, tokensOfCall } from '../cases/work.js';
import { medianInterval, median, relativeSpread, summarise, type Interval } from '../statistics.js';
import type { BenchCase, MeasuredCell, Round } from './results.js';
import { medianUse, type DeviceSpent } from './device-use.js';

/** Milliseconds in each phase; without phases that took none. */
type PhaseTimes = Readonly<Record<string, number>>;

/** What an engine's statistics say of its calls so far. */
export interface SpentTime {
  readonly calls: number;
  readonly phaseMs: PhaseTimes;
  /** Where the device is a GPU. */
  readonly device?: DeviceSpent;
}

/** Mean milliseconds of the calls between two moments in each phase. */
export function meanPhases(before: SpentTime, after: SpentTime): PhaseTimes {
  const calls = after.calls - before.calls;
  const means = Object.entries(after.phaseMs).map(
    ([phase, ms]) => [phase, (ms - (before.phaseMs[phase] ?? 0)) / calls] as const,
  );
  return Object.fromEntries(means.filter(([, ms]) => ms > 0));
}

function medianPhases(rounds: readonly Round[]): PhaseTimes {
  const phases = new Set(rounds.flatMap(({ phaseMs }) => Object.keys(phaseMs)));
  return Object.fromEntries(
    [...phases].map((phase) => [phase, median(rounds.map(({ phaseMs }) => phaseMs[phase] ?? 0))]),
  );
}

export interface Measurement {
  readonly case: BenchCase;
  readonly rounds: readonly Round[];
  readonly error: number;
  readonly residentBytes: number;
  readonly workingBytes: number;
  readonly fixedBytes: number;
  readonly isNoisy: boolean;
}

// An interval wider than this can't tell cells apart that differ by a tenth.
const widest = { low: 0.9, high: 1.1 };

export type Control = MeasuredCell['control'];

/**
 * The case against itself: samples in pairs, each round's own. Which of a pair is divided by which changes from pair to
 * pair, so that slowing down all along a round doesn't look like a difference.
 */
export function controlOf(rounds: readonly Round[]): Control {
  const ratios = rounds.flatMap(({ ms }) =>
    Array.from({ length: ms.length >> 1 }, (_, pair) => {
      const [a, b] = [ms[2 * pair]!, ms[2 * pair + 1]!];
      return pair % 2 === 0 ? a / b : b / a;
    }),
  );
  return { median: median(ratios), interval: medianInterval(ratios) };
}

/** Whether the machine was too restless: the interval excludes 1, or reaches beyond ±10 %. */
export function hasFailed(control: Control): boolean {
  const { low, high } = control.interval;
  return !(low <= 1 && high >= 1) || isWide(control);
}

export function isWide({ interval: { low, high } }: Control): boolean {
  return !(low >= widest.low && high <= widest.high);
}

export function cellOf(measurement: Measurement): MeasuredCell {
  const { case: benchCase, rounds, error, residentBytes, workingBytes, fixedBytes, isNoisy } = measurement;
  const samples = rounds.flatMap((round) => round.ms);
  const ms = summarise(samples);
  const interval: Interval = medianInterval(samples);
  const flop = flopOf(benchCase);
  const bytes = bytesRead(benchCase);
  // Each round against its own peak, so that a slow minute takes from both.
  const shares = rounds.map((round) => (flop * 1e3) / median(round.ms) / round.peak);
  return {
    status: 'measured',
    case: benchCase,
    rounds,
    ms,
    interval,
    spread: relativeSpread(ms),
    phaseMs: medianPhases(rounds),
    ...medianUse(rounds),
    flop,
    tokensPerSecond: (tokensOfCall(benchCase) / ms.median) * 1e3,
    gflopPerSecond: flop / ms.median / 1e6,
    peakShare: median(shares),
    gigabytesPerSecond: bytes === 0 ? null : bytes / ms.median / 1e6,
    residentBytes,
    workingBytes,
    fixedBytes,
    error,
    control: controlOf(rounds),
    isNoisy,
  };
}

/** What a layer's time goes into, in milliseconds of a call: products with its weights, and the attention between them. */
export interface LayerParts {
  readonly projections: number;
  /** Rotation, cache and copies included. */
  readonly attention: number;
}

const projectionPhases: ReadonlySet<string> = new Set(['project', 'output']);

/** Null of attention alone, which has no parts, and where no phases were timed. */
export function partsOf({
  case: { mode },
  phaseMs,
}: Pick<MeasuredCell, 'case' | 'phaseMs'>): LayerParts | null {
  const phases = Object.entries(phaseMs);
  if (mode === 'attention' || phases.length === 0) return null;
  const parts = { projections: 0, attention: 0 };
  for (const [phase, ms] of phases) parts[projectionPhases.has(phase) ? 'projections' : 'attention'] += ms;
  return parts;
}
