// Probabilities in WGSL, from scores and what the first pass left of their rows in `rowState`.
import type { TileForm } from './form.js';
import { component, listed } from './text.js';

/** `RowSums`, `rowSumsOf(entry, places)` and `weigh(scored, sums)`: 0 where left out. */
export function weighDeclarations({ rowsPerThread }: TileForm): string {
  const each = (make: (r: string) => string) => `Rows(${listed(rowsPerThread, (r) => make(component(r)))})`;
  return `
/// base: what scores are relative to; share: 1 / sum; sum itself. Poisoned rows weigh NaN.
struct RowSums { base: Rows, share: Rows, sum: Rows, isPoisoned: RowBools }

fn rowSumsOf(entry: Entry, places: Places) -> RowSums {
  let rows = at.stateAt + 2u * (entry.state + places.head * entry.queries + places.query);
  let order = orderOf(${each((r) => `bitcast<f32>(rowState[rows.${r}])`)});
  let sum = ${each((r) => `bitcast<f32>(rowState[rows.${r} + 1u])`)};
  return RowSums(baseOf(order), reciprocal(sum), sum, (order >= poison) | (sum == Rows(0.0)));
}

fn weigh(scored: Scored, sums: RowSums) -> Rows {
  let p = select(exponential(scored.score - sums.base), Rows(0.0), orderOf(scored.score) <= lowest);
  let weight = select(bitcast<RowUints>(p * sums.share), RowUints(at.nan), sums.isPoisoned);
  return bitcast<Rows>(select(RowUints(0u), weight, scored.mayAttend));
}
`;
}
