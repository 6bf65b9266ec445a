// Which values of a grid's lists to leave out where it is too much: those whose cells cost most.
import type { BenchCase } from './results.js';

/** Settings that are lists, by the name that they have in a case: all that a case has. */
export const gridAxes = [
  'mode',
  'modelDim',
  'heads',
  'headDim',
  'kvHeads',
  'tokens',
  'batch',
  'causal',
  'window',
  'dtype',
  'options',
  'kernel',
  'threads',
] as const satisfies readonly (keyof BenchCase)[];
export type GridAxis = (typeof gridAxes)[number];

/** A case and what it takes, in whatever is too much. */
export interface CaseCost {
  readonly case: BenchCase;
  readonly cost: number;
}

/** One value of a list, and the cells that go with it. */
export interface Cut {
  readonly axis: GridAxis;
  readonly value: BenchCase[GridAxis];
  readonly cells: number;
  readonly cost: number;
}

// More of them are no advice.
const mostCuts = 3;

/** Values to leave out one after the other, until what is left is little enough; none where lists have one value each. */
export function findCuts(
  costs: readonly CaseCost[],
  axes: readonly GridAxis[],
  isEnough: (left: readonly CaseCost[]) => boolean,
): Cut[] {
  const cuts: Cut[] = [];
  let left = costs;
  while (!isEnough(left) && cuts.length < mostCuts) {
    const cut = dearest(left, axes);
    if (cut === undefined) break;
    cuts.push(cut);
    left = left.filter(({ case: benchCase }) => benchCase[cut.axis] !== cut.value);
  }
  return cuts;
}

/** 'tokens 131072 (12 cells)' */
export function formatCut({ axis, value, cells }: Cut): string {
  return `${axis} ${nameOfValue(value)} (${cells} ${cells === 1 ? 'cell' : 'cells'})`;
}

/** As settings name a value of an axis. */
export function nameOfValue(value: BenchCase[GridAxis]): string {
  return value === null ? 'none' : String(value);
}

/** The value with the highest mean cost, of equal ones that of most cells; not the last one of its list. */
function dearest(costs: readonly CaseCost[], axes: readonly GridAxis[]): Cut | undefined {
  let best: Cut | undefined;
  for (const axis of axes) {
    const values = new Set(costs.map(({ case: benchCase }) => benchCase[axis]));
    if (values.size < 2) continue;
    for (const value of values) {
      const own = costs.filter(({ case: benchCase }) => benchCase[axis] === value);
      const cut = { axis, value, cells: own.length, cost: own.reduce((sum, { cost }) => sum + cost, 0) };
      if (best === undefined || isDearer(cut, best)) best = cut;
    }
  }
  return best;
}

function isDearer(a: Cut, b: Cut): boolean {
  const difference = a.cost / a.cells - b.cost / b.cells;
  return difference > 0 || (difference === 0 && a.cells > b.cells);
}
