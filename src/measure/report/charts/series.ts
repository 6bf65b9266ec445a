// Cells of a grid in charts: as series over the number of tokens, each named by what tells it from the others, and what
// titles and tooltips call them.
import { nameOfCase, type BenchCase, type BenchMode, type MeasuredCell } from '../../grid/results.js';
import { drawHollowSample, type Point } from '../../../page/charts/marks.js';
import type { LegendEntry } from '../../../page/charts/plot.js';
import { formatFigure, formatRange, formatShare } from '../../../page/figures.js';

export const modeTitles: Readonly<Record<BenchMode, string>> = {
  layer: 'Layer',
  attention: 'Attention alone',
  decode: 'One token after a cache',
};

/** What a case's `tokens` are. */
export function tokensTitle(mode: BenchMode): string {
  return mode === 'decode' ? 'cached tokens' : 'tokens';
}

/** The figures of a cell in lines. */
export function tooltipOf(cell: MeasuredCell): string {
  const { ms, interval, gflopPerSecond, peakShare, gigabytesPerSecond, isNoisy } = cell;
  return [
    nameOfCase(cell.case),
    `${formatFigure(ms.median)} ms (95 %: ${formatRange(interval, formatFigure)})`,
    `${formatFigure(gflopPerSecond)} GFLOP/s, ${formatShare(peakShare)} of the multiply-adds' rate`,
    ...(gigabytesPerSecond === null ? [] : [`${formatFigure(gigabytesPerSecond)} GB/s`]),
    ...(isNoisy ? ['noisy: its control failed'] : []),
  ].join('\n');
}

/** What the legend says of noisy points, where there are any. */
export function noisyEntry(points: readonly Point[]): LegendEntry[] {
  const isNoisy = points.some(({ isHollow }) => isHollow);
  return isNoisy ? [{ name: 'noisy', sample: drawHollowSample('neutral', false) }] : [];
}

export interface CellSeries {
  readonly name: string;
  /** In order of tokens. */
  readonly cells: readonly MeasuredCell[];
}

type Part = 'modelDim' | 'heads' | 'headDim' | 'keyHeads' | 'batch' | 'mask' | 'options' | 'dtype' | 'engine';

const parts: Readonly<Record<Part, (benchCase: BenchCase) => string>> = {
  modelDim: ({ modelDim }) => `modelDim ${modelDim}`,
  heads: ({ heads }) => `${heads} head${heads === 1 ? '' : 's'}`,
  headDim: ({ headDim }) => `headDim ${headDim}`,
  keyHeads: ({ heads, kvHeads }) => (kvHeads === heads ? 'own keys' : `${kvHeads} key heads`),
  batch: ({ batch }) => `batch ${batch}`,
  mask: ({ causal, window }) =>
    [...(causal ? ['causal'] : []), ...(window === null ? [] : [`window ${window}`])].join(' ') || 'full',
  options: ({ options }) => (options === 'none' ? 'no options' : options),
  dtype: ({ dtype }) => dtype,
  engine: ({ kernel, threads }) => `${kernel} x${threads}`,
};
const partNames = Object.keys(parts) as Part[];
const sizeParts: ReadonlySet<Part> = new Set(['modelDim', 'heads', 'headDim']);
const sizeNamings: readonly (readonly Part[])[] = [[], ['heads'], ['modelDim'], ['modelDim', 'heads']];
// What nobody would ask for.
const unsaid: ReadonlySet<string> = new Set(['own keys', 'batch 1', 'full', 'no options', 'f32']);

/** The cells of one mode by everything but their tokens. */
export function seriesOf(cells: readonly MeasuredCell[]): CellSeries[] {
  const naming = namingParts(cells.map((cell) => cell.case));
  return groupBy(cells, (cell) => textOf(partNames, cell.case)).map((alike) => ({
    name: textOf(naming, alike[0]!.case) || parts.engine(alike[0]!.case),
    cells: alike.sort((a, b) => a.case.tokens - b.case.tokens),
  }));
}

/** What differs among the cases; of their sizes only so many that the others follow: modelDim = heads · headDim. */
function namingParts(cases: readonly BenchCase[]): Part[] {
  const sizes = sizeNamings.find((naming) =>
    groupBy(cases, (benchCase) => textOf(naming, benchCase)).every(isOfOneSize),
  )!;
  const differing = partNames.filter((part) => new Set(cases.map(parts[part])).size > 1);
  return differing.filter((part) => sizes.includes(part) || !sizeParts.has(part));
}

function isOfOneSize(cases: readonly BenchCase[]): boolean {
  return new Set(cases.map(({ modelDim, heads }) => `${modelDim}/${heads}`)).size === 1;
}

function textOf(naming: readonly Part[], benchCase: BenchCase): string {
  return naming.map((part) => parts[part](benchCase)).join(', ');
}

/** What all cases have in common, as words: 'modelDim 768, native x2'. */
export function describeCommon(cases: readonly BenchCase[]): string {
  const common = partNames.flatMap((part) => {
    const values = new Set(cases.map(parts[part]));
    return values.size === 1 ? [...values].filter((value) => !unsaid.has(value)) : [];
  });
  return common.join(', ');
}

/** Those of one key together, in the order of their first ones. */
export function groupBy<T>(values: readonly T[], keyOf: (value: T) => string | number): T[][] {
  const groups = new Map<string | number, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}
