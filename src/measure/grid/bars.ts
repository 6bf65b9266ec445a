// What cells of a grid have to show, a text a bar: which cells, a figure of theirs, and what it is held against, as in
// `mode=decode GB/s >= 10` or `options=rope ms <= 1.3 of options=none`.
import { gridAxes, nameOfValue, type GridAxis } from './cut.js';
import { nameOfCase, type BarOutcome, type BenchCase, type Cell, type MeasuredCell } from './results.js';

/** Values of axes, as settings name them. */
export type AxisWords = Readonly<Partial<Record<GridAxis, string>>>;

export interface Bar {
  readonly text: string;
  /** The cells that must meet it: all that have these values. */
  readonly cells: AxisWords;
  readonly figure: keyof typeof figures;
  readonly comparison: '<=' | '>=';
  readonly limit: number;
  /** Where the limit is of another cell's figure: the values that this one has instead. */
  readonly of: AxisWords | undefined;
}

/** What a bar came to, in words. */
export interface BarLine extends Omit<BarOutcome, 'found'> {
  readonly found: string;
}

/** The figures of a cell: medians in the unit that is their name, the share of the multiply-adds' rate, resident memory. */
const figures = {
  ms: ({ ms }) => ms.median,
  'tokens/s': ({ tokensPerSecond }) => tokensPerSecond,
  'GFLOP/s': ({ gflopPerSecond }) => gflopPerSecond,
  'GB/s': ({ gigabytesPerSecond }) => gigabytesPerSecond ?? NaN,
  peak: ({ peakShare }) => peakShare,
  MB: ({ residentBytes }) => residentBytes / 1e6,
} as const satisfies Record<string, (cell: MeasuredCell) => number>;

/** What a bar reads like. */
export const barForm = `\`axis=value … ${Object.keys(figures).join('|')} <=|>= number [of axis=value …]\``;

/** Undefined where the text is none. */
export function readBar(text: string): Bar | undefined {
  const parts = text.trim().split(/\s+/);
  const at = parts.findIndex((part) => part === '<=' || part === '>=');
  if (at < 1) return undefined;
  const cells = readAxisWords(parts.slice(0, at - 1));
  const [figure = '', comparison, limit, of, ...others] = parts.slice(at - 1);
  const other = readAxisWords(others);
  const isWhole = of === undefined || (of === 'of' && others.length > 0);
  if (!isWhole || cells === undefined || other === undefined) return undefined;
  if (!Object.hasOwn(figures, figure) || !(Number(limit) > 0)) return undefined;
  return {
    text: parts.join(' '),
    cells,
    figure: figure as Bar['figure'],
    comparison: comparison as Bar['comparison'],
    limit: Number(limit),
    of: of && other,
  };
}

/** `tokens=512 causal=true`; undefined where a word is of no axis. */
export function readAxisWords(words: readonly string[]): AxisWords | undefined {
  const pairs = words.map((word) => word.split('=', 2));
  const isAxis = ([axis, value]: readonly string[]): boolean =>
    (gridAxes as readonly string[]).includes(axis!) && value !== undefined && value !== '';
  return pairs.every(isAxis) ? (Object.fromEntries(pairs) as AxisWords) : undefined;
}

/** What bars have no cell for: where a list is cut short, not all that its bars speak of is there. */
export function noteIdleBars(bars: readonly Bar[], cases: readonly BenchCase[]): string[] {
  return bars
    .filter(({ cells, of }) => !cases.some((own) => hasValues(own, cells) && partnerOf(own, of, cases)))
    .map(({ text }) => `no cells for the bar \`${text}\``);
}

/** An outcome for each cell that a bar chooses and that has the other one, in the order of the bars. */
export function holdBars(bars: readonly Bar[], cells: readonly Cell[]): BarOutcome[] {
  const byCase = new Map(cells.map((cell) => [cell.case, cell]));
  return bars.flatMap((bar) =>
    cells.flatMap((cell) => {
      const partner = partnerOf(cell.case, bar.of, [...byCase.keys()]);
      const isChosen = partner !== undefined && hasValues(cell.case, bar.cells);
      return isChosen ? [holdBar(bar, cell, byCase.get(partner)!)] : [];
    }),
  );
}

/** 'PASS  attention 512/8/2048 rope native x2, ms of attention 512/8/2048 native x2: 1.18 (wanted <= 1.3)' */
export function formatBar({ name, found, wanted, isMet }: BarLine): string {
  return `${isMet ? 'PASS' : 'MISS'}  ${name}: ${found} (wanted ${wanted})`;
}

/** A cell that could not be measured meets nothing. */
function holdBar({ figure, comparison, limit, of }: Bar, cell: Cell, other: Cell): BarOutcome {
  const against = of === undefined ? '' : ` of ${nameOfCase(other.case)}`;
  const outcome = { name: `${nameOfCase(cell.case)}, ${figure}${against}`, wanted: `${comparison} ${limit}` };
  if (cell.status !== 'measured' || other.status !== 'measured')
    return { ...outcome, found: null, isMet: false };
  const own = figures[figure](cell);
  // What a claim may rest on: the controls' deviation from 1 makes a ratio worse.
  const doubt = [cell, other].reduce(
    (most, { control: { median } }) => Math.max(most, median, 1 / median),
    1,
  );
  const worse = comparison === '<=' ? doubt : 1 / doubt;
  const found = of === undefined ? own : (own / figures[figure](other)) * worse;
  const isMet = comparison === '<=' ? found <= limit : found >= limit;
  return { ...outcome, found: Number.isFinite(found) ? found : null, isMet };
}

function partnerOf(
  benchCase: BenchCase,
  of: AxisWords | undefined,
  cases: readonly BenchCase[],
): BenchCase | undefined {
  const isPartner = (other: BenchCase): boolean =>
    gridAxes.every((axis) => nameOfValue(other[axis]) === (of?.[axis] ?? nameOfValue(benchCase[axis])));
  return cases.find(isPartner);
}

function hasValues(benchCase: BenchCase, words: AxisWords): boolean {
  return gridAxes.every((axis) => [undefined, nameOfValue(benchCase[axis])].includes(words[axis]));
}
