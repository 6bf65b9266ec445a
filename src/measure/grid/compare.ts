// Two result files of the same grid, from different moments of a machine that is never quite the same: which cells of B
// are slower than A's, and how sure that is. Pure; how it is printed is the report's.
//
// A time t in a round counts as the work t · peak, the FLOP that the machine could have done meanwhile, so that turbo and
// neighbours that slow down the multiply-adds too cancel out. What is left drifts from round to round, and the samples of a
// round share that drift: the rounds are what counts. Hence one number a round, the log of its median work, and Welch's t
// interval between the rounds of A and of B.
//
// Why not a bootstrap of rounds and of samples within them: five rounds are too few for it. Simulated were tables of 16
// cells without any difference: 5 rounds of 15 lognormal samples with 5 % spread, 2.5 % drift from round to round, 1 % error
// of the peak. Where each cell drifts by itself, 17 of 240 tables had a cell with a false verdict by the bootstrap and 3 by
// Welch's interval, at a confidence that allows 6; where all cells drift together, 6 and 2. With the overall verdict and
// drifts of 2 to 3 % it was 3 of 100 tables (6,000 tables, through this file), and a slow-down of 10 % everywhere was found
// in 99 of 100; in 96 if the drift is 3 %.
//
// What it can't see is drift that lasts longer than a round, for which there are pairs of files (compare-pairs.ts): if a round's drift correlates with the next one's by 0.5, about
// 15 of 100 tables have a false verdict. Files of unequal noise are at the edge: 5 of 100 for drifts of 1 and 4 %.
import { expected } from '../../core/errors.js';
import type { Machine } from '../machine.js';
import { mean, median, type Interval } from '../statistics.js';
import { meanDifference } from '../student.js';
import { nameOfCase, type BenchCase, type Cell, type GridResults, type MeasuredCell } from './results.js';

/** What B is against A; 'same' where the interval holds 1: no difference was found. */
export type Verdict = 'faster' | 'slower' | 'same';

/** Why a cell has no verdict: a failed control or no measurement in one of the files, or a single round. */
export type Mark = 'noisy' | 'unavailable' | 'few rounds';

/** Time of B over time of A for the same machine: above 1 is slower. */
export interface ComparedRatio {
  /** Of the geometric means of the rounds' medians, each normalised by its round's peak; null where nothing compares. */
  readonly ratio: number | null;
  /** Where the ratio lies; null without two rounds in each file. */
  readonly interval: Interval | null;
  readonly verdict: Verdict | null;
}

export interface ComparedCell extends ComparedRatio {
  readonly name: string;
  readonly case: BenchCase;
  /** Median milliseconds as measured, not normalised; null where unavailable. */
  readonly a: number | null;
  readonly b: number | null;
  readonly mark: Mark | null;
}

export interface UnpairedCell {
  readonly name: string;
  readonly case: BenchCase;
}

/** A property of the machine that isn't the same: 'cpu', 'node', 'instructionSets.native'. */
export interface MachineDifference {
  readonly field: string;
  readonly a: string | number | null;
  readonly b: string | number | null;
}

export interface Comparison {
  /** Of files. */
  readonly pairs: number;
  readonly machineDiffers: readonly MachineDifference[];
  readonly versions: { readonly a: string; readonly b: string };
  /** In A's order. */
  readonly cells: readonly ComparedCell[];
  readonly onlyInA: readonly UnpairedCell[];
  readonly onlyInB: readonly UnpairedCell[];
  /** The geometric mean of the ratios of all cells that have a verdict. */
  readonly overall: ComparedRatio;
}

// A file compared with another run of the same build should show no verdict at all in 19 of 20 cases. The overall verdict
// takes half of the error that leaves, because it is what finds a slow-down of everything; the cells share the other half.
export const tableError = 0.05;
export const nothing: ComparedRatio = { ratio: null, interval: null, verdict: null };

/** Two cells of one case, each as the log of the work of its rounds. */
interface Pair {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/**
 * B against A, cell by cell where all fields of the cases agree, and overall. Verdicts hold for the table as a whole: two
 * runs of one build give none but 'same' with 95 %. So the overall interval has a confidence of 97.5 %, and those of n
 * cells with a verdict have 1 - 0.025 / n each (Bonferroni).
 * @throws INVALID_OPTION if a measured cell has no rounds, or a round no samples, or times or a peak that aren't positive
 */
export function compareGrids(a: GridResults, b: GridResults): Comparison {
  const partners = groupByCase(b.cells);
  const onlyInA: UnpairedCell[] = [];
  const matches: { readonly a: Cell; readonly b: Cell }[] = [];
  for (const cell of a.cells) {
    const partner = partners.get(keyOf(cell.case))?.shift();
    if (partner === undefined) onlyInA.push(nameCell(cell));
    else matches.push({ a: cell, b: partner });
  }
  const unpaired = new Set([...partners.values()].flat());

  const prepared = matches.map((match) => ({
    ...match,
    mark: markOf(match.a, match.b),
    pair: pairOf(match),
  }));
  const judged = prepared.flatMap(({ pair, mark }) => (pair !== null && mark === null ? [pair] : []));
  // Cells without a verdict can't have a wrong one.
  const confidence = 1 - tableError / 2 / Math.max(1, judged.length);
  return {
    pairs: 1,
    machineDiffers: findDifferences(a, b),
    versions: { a: a.version, b: b.version },
    cells: prepared.map(({ pair, mark, ...match }) => ({
      ...nameCell(match.a),
      a: medianOf(match.a),
      b: medianOf(match.b),
      ...withoutVerdictIf(mark !== null, pair === null ? nothing : compareRounds(pair, confidence)),
      mark,
    })),
    onlyInA,
    onlyInB: b.cells.filter((cell) => unpaired.has(cell)).map(nameCell),
    overall: judged.length === 0 ? nothing : compareRounds(averageCells(judged), 1 - tableError / 2),
  };
}

/** Whether any cell, or all of them together, became slower. */
export function hasSlowdown({ cells, overall }: Comparison): boolean {
  return overall.verdict === 'slower' || cells.some(({ verdict }) => verdict === 'slower');
}

function compareRounds({ a, b }: Pair, confidence: number): ComparedRatio {
  if (Math.min(a.length, b.length) < 2) return { ...nothing, ratio: Math.exp(mean(b) - mean(a)) };
  const difference = meanDifference(a, b, confidence);
  const interval = { low: toRatio(difference.interval.low), high: toRatio(difference.interval.high) };
  return { ratio: toRatio(difference.mean), interval, verdict: judge(interval) };
}

/** Two wild rounds can reach beyond what a number holds, and JSON has no infinity. */
export function toRatio(log: number): number {
  return Math.min(Number.MAX_VALUE, Math.exp(log));
}

export function judge({ low, high }: Interval): Verdict {
  if (low > 1) return 'slower';
  return high < 1 ? 'faster' : 'same';
}

/** The mean of all cells in each round, because the cells of a round share its drift. */
function averageCells(pairs: readonly Pair[]): Pair {
  const average = (side: keyof Pair): number[] => {
    const rounds = Math.min(...pairs.map((pair) => pair[side].length));
    return Array.from({ length: rounds }, (_, round) => mean(pairs.map((pair) => pair[side][round]!)));
  };
  return { a: average('a'), b: average('b') };
}

function pairOf({ a, b }: { readonly a: Cell; readonly b: Cell }): Pair | null {
  return a.status === 'measured' && b.status === 'measured' ? { a: workLogs(a), b: workLogs(b) } : null;
}

/** The log of each round's median work in FLOP. */
function workLogs({ case: benchCase, rounds }: MeasuredCell): number[] {
  const name = nameOfCase(benchCase);
  if (rounds.length === 0) throw expected('INVALID_OPTION', 'at least one round', name, rounds);
  return rounds.map(({ ms, peak }, index) => {
    if (ms.length === 0) throw expected('INVALID_OPTION', 'samples', `${name}: rounds[${index}].ms`, ms);
    const bad = [...ms, peak].find((value) => !(value > 0 && value < Infinity));
    if (bad !== undefined) {
      throw expected('INVALID_OPTION', 'positive times and peak', `${name}: rounds[${index}]`, bad);
    }
    return Math.log((median(ms) / 1e3) * peak);
  });
}

function markOf(a: Cell, b: Cell): Mark | null {
  if (a.status !== 'measured' || b.status !== 'measured') return 'unavailable';
  if (a.isNoisy || b.isNoisy) return 'noisy';
  return Math.min(a.rounds.length, b.rounds.length) < 2 ? 'few rounds' : null;
}

function withoutVerdictIf(isMarked: boolean, compared: ComparedRatio): ComparedRatio {
  return isMarked ? { ...compared, verdict: null } : compared;
}

function medianOf(cell: Cell): number | null {
  return cell.status === 'measured' ? cell.ms.median : null;
}

function nameCell({ case: benchCase }: Cell): UnpairedCell {
  return { name: nameOfCase(benchCase), case: benchCase };
}

/** A case that a file has twice is paired in order. */
function groupByCase(cells: readonly Cell[]): Map<string, Cell[]> {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = keyOf(cell.case);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return groups;
}

/** Equal for equal cases. */
export function keyOf(benchCase: BenchCase): string {
  const fields = Object.keys(benchCase).sort() as (keyof BenchCase)[];
  return JSON.stringify(fields.map((field) => [field, benchCase[field]]));
}

function findDifferences(a: GridResults, b: GridResults): MachineDifference[] {
  const [first, second] = [flattenMachine(a), flattenMachine(b)];
  return [...new Set([...first.keys(), ...second.keys()])]
    .map((field) => ({ field, a: first.get(field) ?? null, b: second.get(field) ?? null }))
    .filter((difference) => difference.a !== difference.b)
    .filter(({ field, a: one, b: other }) => !isAbsentKernel(field) || (one !== null && other !== null));
}

// A kernel that computed in one file only shows in its cells.
function isAbsentKernel(field: string): boolean {
  return field.startsWith('instructionSets.');
}

function flattenMachine({ machine, instructionSets }: GridResults): Map<string, string | number> {
  const fields = Object.keys(machine) as (keyof Machine)[];
  return new Map<string, string | number>([
    ...fields.map((field) => [field, machine[field]] as const),
    ...Object.entries(instructionSets).map(([kernel, set]) => [`instructionSets.${kernel}`, set] as const),
  ]);
}
