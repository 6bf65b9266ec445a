// What measuring a grid of configurations gives. Types of its schemas, and names.
import type * as schemas from '../result-schemas.js';
import type { Stored } from '../result-schemas.js';

export { benchModes, gridFormat, lawAxes, lawQuantities } from '../result-schemas.js';

/** What results are called that nobody gives a title. */
export const untitled = 'headpool bench';

export type BenchMode = BenchCase['mode'];
export type BenchCase = Stored<typeof schemas.benchCase>;
/** What a case computes, whoever computes it. */
export type CaseShape = Omit<BenchCase, 'kernel' | 'threads'>;
export type Round = Stored<typeof schemas.round>;
export type DeviceUse = Stored<typeof schemas.deviceUse>;
export type MeasuredCell = Stored<typeof schemas.measuredCell>;
export type MissingCell = Stored<typeof schemas.missingCell>;
export type Cell = MeasuredCell | MissingCell;
export type LawAxis = GrowthLaw['axis'];
export type LawQuantity = GrowthLaw['quantity'];
export type GrowthLaw = Stored<typeof schemas.growthLaw>;
export type Crossover = Stored<typeof schemas.crossover>;
export type GridLaws = GridResults['laws'];
export type BarOutcome = Stored<typeof schemas.barOutcome>;
export type GridResults = Stored<typeof schemas.gridResults>;

/** A case, or many that are alike but for sizes that words stand for. */
export type NamedCase = Omit<BenchCase, NamedSize> & Readonly<Record<NamedSize, number | string>>;
type NamedSize = 'modelDim' | 'heads' | 'headDim' | 'kvHeads' | 'tokens' | 'batch';

/** The name of a case where nothing else tells it from others: 'layer 768/12/2048 causal native x2'. */
export function nameOfCase(benchCase: NamedCase): string {
  const { mode, modelDim, heads, kvHeads, tokens, batch } = benchCase;
  const { causal, window, dtype, options, kernel, threads } = benchCase;
  const parts = [
    mode,
    `${modelDim}/${heads}${kvHeads === heads ? '' : `:${kvHeads}`}/${tokens}`,
    ...(batch === 1 ? [] : [`batch ${batch}`]),
    ...(causal ? ['causal'] : []),
    ...(window === null ? [] : [`window ${window}`]),
    ...(dtype === 'f32' ? [] : [dtype]),
    ...(options === 'none' ? [] : [options]),
    `${kernel} x${threads}`,
  ];
  return parts.join(' ');
}
