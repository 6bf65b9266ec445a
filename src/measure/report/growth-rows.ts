// The laws of a grid by what they are about: a row for each series of cells, with the exponents of all its quantities.
import type { Crossover, GridLaws, GrowthLaw, LawQuantity } from '../grid/results.js';

export interface GrowthRow {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly laws: Readonly<Partial<Record<LawQuantity, GrowthLaw>>>;
  readonly crossover: Crossover | undefined;
  readonly isNoisy: boolean;
}

/** In the order of the laws. */
export function growthRows({ growth, crossovers }: GridLaws): GrowthRow[] {
  // A name has a word for the axis, so that no two axes have one in common.
  const names = [...new Set(growth.map(({ name }) => name))];
  return names.map((name): GrowthRow => {
    const own = growth.filter((law) => law.name === name);
    return {
      ...{ name, from: own[0]!.from, to: own[0]!.to },
      laws: Object.fromEntries(own.map((law) => [law.quantity, law])),
      crossover: crossovers.find((crossover) => crossover.name === name),
      isNoisy: own.some(({ isNoisy }) => isNoisy),
    };
  });
}

/** 1.7236 -> '1.72'; never '-0.00'. */
export function formatExponent(exponent: number): string {
  return (Math.round(exponent * 100) / 100 || 0).toFixed(2);
}
