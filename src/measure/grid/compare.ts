// Result files of the same grid compared in pairs, before and after: which cells of B are slower than A's, and how sure
// that is. Pure; how it is printed is the report's.
//
// A time t in a round counts as the work t · peak, the FLOP that the machine could have done meanwhile, so that what slows
// the multiply-adds too cancels out. The samples of a round share what drifts beside that, so a round gives one number, the
// log of its median work: of one pair of files, Welch's t interval goes over the rounds. Drift that lasts longer than a
// round shows in how much pairs differ from each other: of several, Student's goes over the logs of their ratios.
import { expected } from '../../core/errors.js';
import { leastOf } from '../../core/lists.js';
import type { Machine } from '../machine.js';
import { mean, median, type Interval } from '../statistics.js';
import { meanDifference, meanInterval } from '../student.js';
import { nameOfCase, type BenchCase, type Cell, type GridResults, type MeasuredCell } from './results.js';

/** The files of a pair, measured one after the other. */
export interface GridPair {
  readonly a: GridResults;
  readonly b: GridResults;
}

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
  /** Median milliseconds as measured, of several files their median; null where unavailable. */
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
  readonly benchmark: 'comparison';
  /** Of B. */
  readonly title: string;
  /** Of files. */
  readonly pairs: number;
  /** Of the files that show signs of a busy machine: 'A: the multiply-adds …'. */
  readonly busy: readonly string[];
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
const tableError = 0.05;
const nothing: ComparedRatio = { ratio: null, interval: null, verdict: null };

/** The logs of the work of a cell on both sides: of its rounds, or of several files. */
interface Logs {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** A case in all files. */
interface Row {
  readonly cells: readonly { readonly a: Cell; readonly b: Cell }[];
  readonly mark: Mark | null;
  /** Null where a file could not measure it. */
  readonly logs: Logs | null;
}

/**
 * All B against all A, cell by cell where all fields of the cases agree, and overall. Verdicts hold for the table as a
 * whole: two runs of one build give none but 'same' with 95 %. So the overall interval has a confidence of 97.5 %, and
 * those of n cells with a verdict have 1 - 0.025 / n each (Bonferroni). Of several pairs, noisy cells count too, because
 * their noise is in what the pairs differ by.
 * @throws INVALID_OPTION if a measured cell has no rounds, or a round no samples, or times or a peak that aren't positive
 */
export function comparePairs(pairs: readonly [GridPair, ...GridPair[]]): Comparison {
  const files = pairs.map(({ a, b }) => ({ a: indexCells(a.cells), b: indexCells(b.cells) }));
  const [first] = files as [(typeof files)[0]];
  const keys = [...first.a.keys()].filter((key) => files.every(({ a, b }) => a.has(key) && b.has(key)));
  const rows = keys.map((key): Row => {
    const cells = files.map(({ a, b }) => ({ a: a.get(key)!, b: b.get(key)! }));
    return { cells, mark: markOf(cells), logs: logsOf(cells) };
  });
  const judged = rows.flatMap(({ logs, mark }) => (logs !== null && mark === null ? [logs] : []));
  // Cells without a verdict can't have a wrong one.
  const confidence = 1 - tableError / 2 / Math.max(1, judged.length);
  const isPaired = pairs.length > 1;
  const without = (cells: ReadonlyMap<string, Cell>, others: ReadonlyMap<string, Cell>): UnpairedCell[] =>
    [...cells].flatMap(([key, cell]) => (others.has(key) ? [] : [nameCell(cell)]));
  const differences = pairs.map(({ a, b }) => findDifferences(a, b));
  return {
    benchmark: 'comparison',
    title: pairs[0].b.title,
    pairs: pairs.length,
    busy: signsOf(pairs),
    machineDiffers: differences.find(({ length }) => length > 0) ?? [],
    versions: { a: pairs[0].a.version, b: pairs[0].b.version },
    cells: rows.map(({ cells, mark, logs }) => {
      const compared = logs === null ? nothing : compareLogs(logs, confidence, isPaired);
      return {
        ...nameCell(cells[0]!.a),
        a: medianOf(cells.map(({ a }) => a)),
        b: medianOf(cells.map(({ b }) => b)),
        ...compared,
        verdict: mark === null ? compared.verdict : null,
        mark,
      };
    }),
    onlyInA: without(first.a, first.b),
    onlyInB: without(first.b, first.a),
    overall: judged.length === 0 ? nothing : compareLogs(averageCells(judged), 1 - tableError / 2, isPaired),
  };
}

/** Whether any cell, or all of them together, became slower. */
export function hasSlowdown({ cells, overall }: Comparison): boolean {
  return overall.verdict === 'slower' || cells.some(({ verdict }) => verdict === 'slower');
}

/** Whether there was something to compare, and no cell of it has a verdict. */
export function isUndecided({ cells }: Comparison): boolean {
  return cells.length > 0 && cells.every(({ verdict }) => verdict === null);
}

function signsOf(pairs: readonly GridPair[]): string[] {
  return pairs.flatMap(({ a, b }, pair) => {
    const number = pairs.length === 1 ? '' : ` ${pair + 1}`;
    return [...signsOfFile(`A${number}`, a), ...signsOfFile(`B${number}`, b)];
  });
}

function signsOfFile(name: string, { busy }: GridResults): string[] {
  return busy.length === 0 ? [] : [`${name}: ${busy.join(', ')}`];
}

function compareLogs({ a, b }: Logs, confidence: number, isPaired: boolean): ComparedRatio {
  if (Math.min(a.length, b.length) < 2) return { ...nothing, ratio: toRatio(mean(b) - mean(a)) };
  const difference = isPaired
    ? meanInterval(
        b.map((log, pair) => log - a[pair]!),
        confidence,
      )
    : meanDifference(a, b, confidence);
  const interval = { low: toRatio(difference.interval.low), high: toRatio(difference.interval.high) };
  const verdict = interval.low > 1 ? 'slower' : interval.high < 1 ? 'faster' : 'same';
  return { ratio: toRatio(difference.mean), interval, verdict };
}

/** Two wild rounds can reach beyond what a number holds, and JSON has no infinity. */
function toRatio(log: number): number {
  return Math.min(Number.MAX_VALUE, Math.exp(log));
}

/** The mean of all cells in each round or file, because the cells of one share its drift. */
function averageCells(rows: readonly Logs[]): Logs {
  const average = (side: keyof Logs): number[] => {
    const length = leastOf(rows.map((row) => row[side].length));
    return Array.from({ length }, (_, n) => mean(rows.map((row) => row[side][n]!)));
  };
  return { a: average('a'), b: average('b') };
}

/** Of one pair those of its rounds, of several the mean of each file. */
function logsOf(cells: Row['cells']): Logs | null {
  const measured = cells.flatMap(({ a, b }) =>
    a.status === 'measured' && b.status === 'measured' ? [{ a: workLogs(a), b: workLogs(b) }] : [],
  );
  if (measured.length < cells.length) return null;
  if (measured.length === 1) return measured[0]!;
  return { a: measured.map(({ a }) => mean(a)), b: measured.map(({ b }) => mean(b)) };
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

function markOf(cells: Row['cells']): Mark | null {
  const all = cells.flatMap(({ a, b }) => [a, b]);
  const measured = all.filter((cell) => cell.status === 'measured');
  if (measured.length < all.length) return 'unavailable';
  if (cells.length > 1) return null;
  if (measured.some(({ isNoisy }) => isNoisy)) return 'noisy';
  return measured.some(({ rounds }) => rounds.length < 2) ? 'few rounds' : null;
}

function medianOf(cells: readonly Cell[]): number | null {
  const times = cells.flatMap((cell) => (cell.status === 'measured' ? [cell.ms.median] : []));
  return times.length < cells.length ? null : median(times);
}

function nameCell({ case: benchCase }: Cell): UnpairedCell {
  return { name: nameOfCase(benchCase), case: benchCase };
}

/** By a key that is equal for equal cases; one that a file has twice is told apart by how often it came before. */
function indexCells(cells: readonly Cell[]): ReadonlyMap<string, Cell> {
  const index = new Map<string, Cell>();
  for (const cell of cells) {
    const fields = Object.entries(cell.case).sort(([a], [b]) => (a < b ? -1 : 1));
    let key = JSON.stringify(fields);
    while (index.has(key)) key += ' again';
    index.set(key, cell);
  }
  return index;
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
