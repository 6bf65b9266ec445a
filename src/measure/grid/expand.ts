// Multiplies lists of settings into the cases of a grid. What doesn't fit together is left out and noted; a grid with
// nothing left is an error.
import { HeadpoolError } from '../../core/errors.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import { deviceOf, type KernelName } from '../../core/protocol/kernels.js';
import { isForCaches, isWindow, type OptionName } from '../cases/options.js';
import { gridAxes, type GridAxis } from './cut.js';
import { nameOfCase, type BenchCase, type BenchMode } from './results.js';

/** Lists of at least one value; each is combined with each of the others. */
export interface GridSettings {
  readonly mode: readonly BenchMode[];
  readonly heads: readonly number[];
  /** Widths of a token; not beside `headDim`. Default: 512. */
  readonly modelDim?: readonly number[] | undefined;
  /** Widths of a head, from which those of a token follow. */
  readonly headDim?: readonly number[] | undefined;
  /** Default: as many as heads. */
  readonly kvHeads?: readonly number[] | undefined;
  readonly tokens: readonly number[];
  readonly batch: readonly number[];
  readonly causal: readonly boolean[];
  readonly window: readonly (number | null)[];
  readonly dtype: readonly Dtype[];
  readonly options: readonly OptionName[];
  readonly kernel: readonly KernelName[];
  readonly threads: readonly number[];
}

export interface Grid {
  /** In the order of the lists: those of one kernel and one number of threads follow one another. */
  readonly cases: readonly BenchCase[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** A thousand cells take an hour at four seconds each. */
export const mostCases = 10_000;

const defaultModelDim = 512;

/** The cells of one grid after the other. @throws INVALID_OPTION if nothing is left, or far too much */
export function expandGrid(grids: readonly GridSettings[]): Grid {
  refuseTooMany(grids);
  const notes = new Set<string>();
  // What was named twice is measured once.
  const cases = new Map<string, BenchCase>();
  for (const grid of grids)
    for (const benchCase of multiply(grid, (note) => notes.add(note)))
      cases.set(nameOfCase(benchCase), benchCase);
  if (cases.size > 0) return { cases: [...cases.values()], notes: [...notes] };
  throw new HeadpoolError('INVALID_OPTION', `Expected at least one cell, but ${[...notes].join('; ')}`);
}

function* multiply(settings: GridSettings, note: (text: string) => void): Generator<BenchCase> {
  const layers = layersOf(settings, note);
  for (const kernel of settings.kernel)
    for (const threads of settings.threads)
      for (const mode of settings.mode)
        for (const layer of layers)
          for (const dtype of settings.dtype)
            for (const batch of settings.batch)
              for (const window of settings.window)
                for (const isCausal of settings.causal)
                  for (const options of settings.options)
                    for (const tokens of settings.tokens) {
                      // The one query of a decoding sequence is its last token: there are no later ones.
                      const causal = isCausal && mode !== 'decode';
                      const rest = { tokens, batch, causal, window, dtype, options, kernel, threads };
                      const benchCase: BenchCase = { mode, ...layer, ...rest };
                      const reason = whyNot(benchCase);
                      if (reason === undefined) yield benchCase;
                      else note(reason);
                    }
}

/** Why a call can't be asked this. */
function whyNot({ mode, window, options, kernel }: BenchCase): string | undefined {
  if (mode === 'decode' && deviceOf(kernel) === 'gpu')
    return `mode decode is left out on ${kernel}, which has no caches`;
  const leftOut = `options ${options} are left out`;
  if (mode === 'decode' && !isForCaches(options))
    return `${leftOut} in mode decode, where the cache knows the lengths`;
  return window !== null && isWindow(options) ? `${leftOut} beside another window` : undefined;
}

type Layer = Pick<BenchCase, 'modelDim' | 'heads' | 'headDim' | 'kvHeads'>;

function layersOf(settings: GridSettings, note: (text: string) => void): Layer[] {
  const { heads, modelDim, headDim, kvHeads } = settings;
  const widths = headDim ?? modelDim ?? [defaultModelDim];
  return heads.flatMap((count) =>
    widths.flatMap((width) => {
      if (headDim === undefined && width % count !== 0) {
        note(`modelDim ${width} is left out for ${count} heads, which don't divide it`);
        return [];
      }
      const dims =
        headDim === undefined
          ? { modelDim: width, headDim: width / count }
          : { modelDim: width * count, headDim: width };
      return (kvHeads ?? [count]).flatMap((groups): Layer[] => {
        if (count % groups === 0) return [{ ...dims, heads: count, kvHeads: groups }];
        note(`kvHeads ${groups} is left out for ${count} heads, which it doesn't divide`);
        return [];
      });
    }),
  );
}

function refuseTooMany(grids: readonly GridSettings[]): void {
  const lengthOf = (grid: GridSettings, axis: GridAxis): number => grid[axis]?.length ?? 1;
  const countOf = (grid: GridSettings): number =>
    gridAxes.reduce((product, axis) => product * lengthOf(grid, axis), 1);
  const count = grids.reduce((sum, grid) => sum + countOf(grid), 0);
  if (count <= mostCases) return;
  const largest = grids.reduce((a, b) => (countOf(b) > countOf(a) ? b : a));
  const longest = gridAxes.reduce((a, b) => (lengthOf(largest, b) > lengthOf(largest, a) ? b : a));
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected a grid of at most ${mostCases} cells, got ${count}; its longest list is \`${longest}\` with ${lengthOf(largest, longest)} values`,
  );
}
