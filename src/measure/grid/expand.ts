// Multiplies lists of settings into the cases of a grid. What doesn't fit together is left out and noted; a grid with
// nothing left is an error.
import { HeadpoolError } from '../../core/errors.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import type { KernelName } from '../../core/protocol/kernels.js';
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

/** @throws INVALID_OPTION if nothing is left, or far too much */
export function expandGrid(settings: GridSettings): Grid {
  refuseTooMany(settings);
  const notes: string[] = [];
  const layers = layersOf(settings, notes);
  const { mode: modes, tokens: lengths, batch: batches, causal: causals, window: windows } = settings;
  const cases = new Map<string, BenchCase>();
  for (const kernel of settings.kernel)
    for (const threads of settings.threads)
      for (const mode of modes)
        for (const layer of layers)
          for (const dtype of settings.dtype)
            for (const batch of batches)
              for (const window of windows)
                for (const isCausal of causals)
                  for (const tokens of lengths) {
                    // The one query of a decoding sequence is its last token: there are no later ones.
                    const causal = isCausal && mode !== 'decode';
                    const rest = { tokens, batch, causal, window, dtype, kernel, threads };
                    const benchCase: BenchCase = { mode, ...layer, ...rest };
                    // What was named twice is measured once.
                    cases.set(nameOfCase(benchCase), benchCase);
                  }
  return { cases: [...cases.values()], notes };
}

type Layer = Pick<BenchCase, 'modelDim' | 'heads' | 'headDim' | 'kvHeads'>;

function layersOf({ heads, modelDim, headDim, kvHeads }: GridSettings, notes: string[]): Layer[] {
  const widths = headDim ?? modelDim ?? [defaultModelDim];
  const layers = heads.flatMap((count) =>
    widths.flatMap((width) => {
      if (headDim === undefined && width % count !== 0) {
        notes.push(`modelDim ${width} is left out for ${count} heads, which don't divide it`);
        return [];
      }
      const dims =
        headDim === undefined
          ? { modelDim: width, headDim: width / count }
          : { modelDim: width * count, headDim: width };
      return (kvHeads ?? [count]).flatMap((groups): Layer[] => {
        if (count % groups === 0) return [{ ...dims, heads: count, kvHeads: groups }];
        notes.push(`kvHeads ${groups} is left out for ${count} heads, which it doesn't divide`);
        return [];
      });
    }),
  );
  const unique = [...new Set(notes)];
  notes.splice(0, notes.length, ...unique);
  if (layers.length > 0) return layers;
  throw new HeadpoolError('INVALID_OPTION', `Expected at least one cell, but ${unique.join('; ')}`);
}

function refuseTooMany(settings: GridSettings): void {
  const lengthOf = (axis: GridAxis): number => settings[axis]?.length ?? 1;
  const count = gridAxes.reduce((product, axis) => product * lengthOf(axis), 1);
  if (count <= mostCases) return;
  const longest = gridAxes.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected a grid of at most ${mostCases} cells, got ${count}; its longest list is \`${longest}\` with ${lengthOf(longest)} values`,
  );
}
