// A row of the benchmark: a figure, what it is held against, and what it says.
import type { EngineInfo } from '../../../src/index.js';
import type { BarLine } from '../../../src/measure/grid/bars.js';
import type { Ratio } from '../../../src/measure/pairs.js';
import { median, type Summary } from '../../../src/measure/statistics.js';
import { absent, formatFigure, formatRange, formatRatio, formatShare } from '../../../src/page/figures.js';

export type Unit = keyof typeof units;

/** What a row has to show, and what it is to come to; without a bar its figure is measured only. */
export interface Goal {
  readonly bar: number | null;
  readonly aim: number;
}

export interface Row {
  /** As `--rows` takes it. */
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  /** What the goal is held against. */
  readonly found: number;
  /** Null where none holds. */
  readonly goal: Goal | null;
  /** Of what the processes found, in the same unit, before the control's deviation was taken off. */
  readonly spread: Ratio;
  /** Ours against ours. */
  readonly control: Ratio;
  /** Milliseconds of a call. */
  readonly ours: Summary | null;
  readonly theirs: Summary | null;
  readonly engine: EngineInfo;
}

export interface Lab {
  /** For files that processes share. */
  readonly folder: string;
  readonly rounds: number;
  /** How long a process samples. */
  readonly seconds: number;
  readonly threads: number;
}

/** Rows that the same processes give. */
export interface RowGroup {
  readonly names: readonly string[];
  /** Whether onnxruntime-node must be there. */
  readonly hasPeer: boolean;
  measure(lab: Lab): Promise<readonly Row[]>;
}

const units = {
  times: { format: (value: number) => `${formatRatio(value)}x`, isMoreBetter: true },
  multiple: { format: (value: number) => `${formatRatio(value)}x`, isMoreBetter: false },
  share: { format: (value: number) => formatShare(value, 0), isMoreBetter: true },
  milliseconds: { format: formatMilliseconds, isMoreBetter: false },
} as const;

export function formatMilliseconds(ms: number): string {
  return `${formatFigure(ms)} ms`;
}

/** Whether a figure is as good as another one, or better. */
function reaches(unit: Unit, found: number, wanted: number): boolean {
  return units[unit].isMoreBetter ? found >= wanted : found <= wanted;
}

export function barOf({ what, unit, found, goal }: Row): BarLine | undefined {
  if (goal === null || goal.bar === null) return undefined;
  const { bar, aim } = goal;
  const { format, isMoreBetter } = units[unit];
  return {
    name: what,
    found: `${format(found)}, ${describeAim(unit, found, aim)}`,
    wanted: `at ${isMoreBetter ? 'least' : 'most'} ${format(bar)}, aim ${format(aim)}`,
    isMet: reaches(unit, found, bar),
  };
}

function describeAim(unit: Unit, found: number, aim: number): string {
  return reaches(unit, found, aim) ? 'aim reached' : 'short of the aim';
}

export const rowTitles = [
  ...['what', 'found', 'bar', 'aim', 'verdict', '', 'interval', 'p10', 'p90', 'control'],
  ...['ours min ms', 'median', 'p90', 'p99', 'theirs min ms', 'median', 'p90', 'p99'],
];

/** The cells under `rowTitles`. */
export function describeRow(row: Row): string[] {
  const { what, unit, found, goal, spread, control, ours, theirs } = row;
  const { format } = units[unit];
  const formatWish = (wish: number | null | undefined): string => (wish == null ? absent : format(wish));
  const line = barOf(row);
  return [
    what,
    format(found),
    formatWish(goal?.bar),
    formatWish(goal?.aim),
    line === undefined ? 'measured' : line.isMet ? 'PASS' : 'MISS',
    goal === null ? '' : describeAim(unit, found, goal.aim),
    formatRange(spread.interval, format),
    format(spread.p10),
    format(spread.p90),
    `${formatRatio(control.median)}x`,
    ...describeLatencies(ours),
    ...describeLatencies(theirs),
  ];
}

function describeLatencies(latencies: Summary | null): string[] {
  if (latencies === null) return [absent, absent, absent, absent];
  const { min, median: middle, p90, p99 } = latencies;
  return [min, middle, p90, p99].map(formatFigure);
}

/** Medians over processes; of the least the least, of the most the most. */
export function joinSummaries(summaries: readonly Summary[]): Summary {
  const all = (name: keyof Summary): number[] => summaries.map((summary) => summary[name]);
  return {
    count: all('count').reduce((sum, count) => sum + count, 0),
    min: Math.min(...all('min')),
    p10: median(all('p10')),
    median: median(all('median')),
    p90: median(all('p90')),
    p99: median(all('p99')),
    max: Math.max(...all('max')),
  };
}
