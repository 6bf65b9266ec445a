// What a grid will take, before anything of it is computed; one that takes more than allowed is refused with what to cut.
import { HeadpoolError } from '../../core/errors.js';
import { readMachineLimits } from '../../core/machine/machine-limits.js';
import type { KernelName } from '../../core/protocol/kernels.js';
import { checkFlop, oracleFlopPerSecond } from '../cases/check.js';
import { outsideBytes, planCase } from '../cases/plan.js';
import { bytesRead, flopOf, inputCount, unitsOf, weightCount } from '../cases/work.js';
import { findCuts, formatCut, type CaseCost, type GridAxis } from './cut.js';
import { nameOfCase, type BenchCase } from './results.js';

export interface EstimateOptions {
  /** Of sampling a cell, over all rounds. */
  readonly seconds: number;
  readonly rounds: number;
  /** FLOP a second of one thread's multiply-adds. */
  readonly rates: ReadonlyMap<KernelName, number>;
}

export interface CaseEstimate {
  readonly case: BenchCase;
  readonly flop: number;
  readonly callMs: number;
  /** Of one round: making it ready, warming up, sampling. */
  readonly roundMs: number;
  /** Of all rounds and the check. */
  readonly totalMs: number;
}

export interface Limits {
  /** Of one cell at a time. */
  readonly memoryBytes: number;
  readonly minutes: number;
  /** Lists that the caller gave, with more than one value each or not. */
  readonly axes: readonly GridAxis[];
}

// Of the multiply-add rate: less than most cells reach, so that an estimate is rather too long.
const assumedShare = 0.4;
const assumedBytesPerSecond = 5e9;
// An input or a weight that is drawn, copied and packed.
const numberMs = 2e-5;
// Two peaks, and a share of starting an engine.
const fixedMs = 120;
// Planned in a fraction of a second.
const mostUnits = 1e6;

/** Control pairs need two, and five of them make an interval. */
export function leastSamples(rounds: number): number {
  return 2 * Math.ceil(5 / rounds);
}

/** @param most threads that can run at once */
export function estimateCase(
  benchCase: BenchCase,
  options: EstimateOptions,
  most = readMachineLimits().threads,
): CaseEstimate {
  const { seconds, rounds, rates } = options;
  const { mode, kernel, threads, tokens, batch, modelDim } = benchCase;
  const rate = (rates.get(kernel) ?? 1e9) * Math.min(threads, most) * assumedShare;
  const flop = flopOf(benchCase);
  const callMs = 1e3 * Math.max(flop / rate, bytesRead(benchCase) / assumedBytesPerSecond);
  const fillFlop = mode === 'decode' ? 8 * batch * tokens * modelDim ** 2 : 0;
  const prepareMs = (inputCount(benchCase) + weightCount(benchCase)) * numberMs + (1e3 * fillFlop) / rate;
  const sampleMs = Math.max((1e3 * seconds) / rounds, leastSamples(rounds) * callMs);
  const roundMs = fixedMs + prepareMs + 2 * callMs + sampleMs;
  const checkMs = 2 * callMs + (1e3 * checkFlop(benchCase)) / oracleFlopPerSecond;
  return { case: benchCase, flop, callMs, roundMs, totalMs: rounds * roundMs + checkMs };
}

/** @throws INVALID_OPTION if all cases together take longer than allowed */
export function refuseOverTime(
  cases: readonly BenchCase[],
  options: EstimateOptions,
  { minutes, axes }: Limits,
): readonly CaseEstimate[] {
  const most = readMachineLimits().threads;
  const estimates = cases.map((benchCase) => estimateCase(benchCase, options, most));
  const costs = estimates.map(({ case: benchCase, totalMs }): CaseCost => ({
    case: benchCase,
    cost: totalMs,
  }));
  const allMs = sumOf(costs);
  const mostMs = minutes * 60e3;
  if (allMs <= mostMs) return estimates;
  // Cutting sampling short helps where samples are what takes the time.
  const sampledMs = 1e3 * options.seconds * cases.length;
  const enoughSeconds = Math.floor((10 * options.seconds * (mostMs - (allMs - sampledMs))) / sampledMs) / 10;
  const shorter = enoughSeconds > 0 ? [`sample each for \`seconds\` ${enoughSeconds}`] : [];
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected a grid of at most ${formatMinutes(minutes)} (\`maxMinutes\`), but its ${countCells(cases)} would take ` +
      `about ${formatMinutes(allMs / 60e3)}: ${adviseOn(costs, axes, mostMs, shorter)}`,
  );
}

/** @throws MEMORY_LIMIT if one of the cases takes more than allowed */
export function refuseOverMemory(cases: readonly BenchCase[], { memoryBytes, axes }: Limits): void {
  const needs = cases.map((benchCase) => {
    const outside = outsideBytes(benchCase);
    // Planning what can't be anyway would take memory itself.
    if (outside > memoryBytes && unitsOf(benchCase) > mostUnits) return outside;
    return outside + planCase(benchCase, benchCase.kernel === 'wasm').engineBytes;
  });
  const costs = cases.map((benchCase, n): CaseCost => ({
    case: benchCase,
    cost: needs[n]! > memoryBytes ? 1 : 0,
  }));
  const over = sumOf(costs);
  if (over === 0) return;
  const most = needs.reduce((a, b) => Math.max(a, b));
  throw new HeadpoolError(
    'MEMORY_LIMIT',
    `Expected cells of at most ${formatGiB(memoryBytes)} each (\`maxMemory\`), but ${over} of ${countCells(cases)} would take more, ` +
      `\`${nameOfCase(cases[needs.indexOf(most)]!)}\` about ${formatGiB(most)}: ${adviseOn(costs, axes, 0)}`,
  );
}

/** What brings the costs down to `most`. */
function adviseOn(
  costs: readonly CaseCost[],
  axes: readonly GridAxis[],
  most: number,
  others: readonly string[] = [],
): string {
  const cuts = findCuts(costs, axes, (left) => sumOf(left) <= most).map(formatCut);
  const leaveOut = cuts.length === 0 ? [] : [`leave out ${cuts.join(' and ')}`];
  return [...leaveOut, ...others, 'allow more'].join(', or ');
}

function countCells({ length }: readonly unknown[]): string {
  return `${length} ${length === 1 ? 'cell' : 'cells'}`;
}

function sumOf(costs: readonly CaseCost[]): number {
  return costs.reduce((sum, { cost }) => sum + cost, 0);
}

function formatMinutes(minutes: number): string {
  return minutes >= 120 ? `${(minutes / 60).toFixed(1)} hours` : `${Number(minutes.toPrecision(2))} minutes`;
}

function formatGiB(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`;
}
