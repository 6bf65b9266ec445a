// Cells of a grid as series over the number of tokens, each named by what tells it from the others.
import { group, rollup } from 'd3-array';
import type { BenchCase, Cell, MeasuredCell } from '../../grid/results.js';

export interface Series {
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

/** The measured cells of one mode by everything but their tokens. */
export function seriesOf(cells: readonly Cell[]): Series[] {
  const measured = cells.filter((cell) => cell.status === 'measured');
  const naming = namingParts(measured.map((cell) => cell.case));
  return [...group(measured, (cell) => textOf(partNames, cell.case)).values()].map((alike) => ({
    name: textOf(naming, alike[0]!.case) || parts.engine(alike[0]!.case),
    cells: [...alike].sort((a, b) => a.case.tokens - b.case.tokens),
  }));
}

/** What differs among the cases; of their sizes only so many that the others follow: modelDim = heads · headDim. */
function namingParts(cases: readonly BenchCase[]): Part[] {
  const sizes = sizeNamings.find((naming) => {
    const named = rollup(cases, countSizes, (benchCase) => textOf(naming, benchCase));
    return [...named.values()].every((count) => count === 1);
  })!;
  const differing = partNames.filter((part) => new Set(cases.map(parts[part])).size > 1);
  return differing.filter((part) => sizes.includes(part) || !sizeParts.has(part));
}

function countSizes(cases: readonly BenchCase[]): number {
  return new Set(cases.map(({ modelDim, heads }) => `${modelDim}/${heads}`)).size;
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
