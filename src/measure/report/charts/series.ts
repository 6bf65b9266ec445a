// Cells of a grid in charts: as series over the number of tokens, each named by what tells it from the others, and what
// titles and tooltips call them.
import { shareOfPeak } from '../../busy.js';
import { nameOfCase, type BenchCase, type BenchMode, type MeasuredCell } from '../../grid/results.js';
import { largestOf } from '../../../core/lists.js';
import { drawHollowSample, type Point } from '../../../page/charts/marks.js';
import type { LegendEntry } from '../../../page/charts/plot.js';
import { seriesColours } from '../../../page/charts/theme.js';
import { formatFigure, formatRange, formatShare } from '../../../page/figures.js';

const mostSeries = seriesColours.light.length;

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
  const { ms, interval, gflopPerSecond, gigabytesPerSecond, isNoisy } = cell;
  const share = shareOfPeak(cell);
  return [
    nameOfCase(cell.case),
    `${formatFigure(ms.median)} ms (95 %: ${formatRange(interval, formatFigure)})`,
    `${formatFigure(gflopPerSecond)} GFLOP/s${share === null ? '' : `, ${formatShare(share)} of the multiply-adds' rate`}`,
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

/** Cells of one chart, and what they have in common and those of the others haven't; nothing where there is one chart. */
export interface ChartCells {
  readonly labels: readonly string[];
  readonly cells: readonly MeasuredCell[];
}

/** As many charts as it takes that none has more series than there are colours, each of one value of some part. */
export function splitCharts(cells: readonly MeasuredCell[], labels: readonly string[] = []): ChartCells[] {
  const series = seriesOf(cells);
  if (series.length <= mostSeries) return [{ labels, cells }];
  const valueOf = parts[bestSplit(series.map((own) => own.cells[0]!.case))];
  return groupBy(cells, (cell) => valueOf(cell.case)).flatMap((group) =>
    splitCharts(group, [...labels, valueOf(group[0]!.case)]),
  );
}

/** The part that makes the fewest charts of few enough series; where none does, the one that comes nearest. */
function bestSplit(cases: readonly BenchCase[]): Part {
  const splits = partNames.map((part) => {
    const sizes = groupBy(cases, parts[part]).map((group) => group.length);
    return { part, charts: sizes.length, most: Math.max(mostSeries, largestOf(sizes)) };
  });
  const [best] = splits
    .filter(({ charts }) => charts > 1)
    .sort((a, b) => a.most - b.most || a.charts - b.charts);
  return best!.part;
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

/** What all cases have in common, as words: 'modelDim 768, native x2'; without those that were said already. */
export function describeCommon(cases: readonly BenchCase[], said: readonly string[] = []): string {
  const common = partNames.flatMap((part) => {
    const values = new Set(cases.map(parts[part]));
    return values.size === 1
      ? [...values].filter((value) => !unsaid.has(value) && !said.includes(value))
      : [];
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
