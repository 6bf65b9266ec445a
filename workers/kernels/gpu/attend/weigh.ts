// Probabilities in WGSL, from scores and what the first pass left of their rows in `rowState`.
import type { TileForm } from './form.js';
import { component, times } from './text.js';

/** `RowSums`, `rowSumsOf(tile, entry, firstRow)` and `weigh(scored, sums)`: 0 where left out. */
export function weighDeclarations({ rowsPerThread }: TileForm): string {
  return `
/// base: what scores are relative to; share: 1 / sum; sum itself. Poisoned rows weigh NaN.
struct RowSums { base: Rows, share: Rows, sum: Rows, isPoisoned: RowBools }

fn rowSumsOf(tile: Tile, entry: Entry, firstRow: u32) -> RowSums {
  var maximum: Rows;
  var sum: Rows;
${times(
  rowsPerThread,
  (r) => `  {
    let place = placeOf(tile, entry, firstRow + ${r}u);
    let row = at.stateAt + 2u * (entry.state + place.head * entry.queries + place.query);
    maximum.${component(r)} = bitcast<f32>(rowState[row]);
    sum.${component(r)} = bitcast<f32>(rowState[row + 1u]);
  }`,
)}
  let order = orderOf(maximum);
  return RowSums(baseOf(order), reciprocal(sum), sum, (order >= poison) | (sum == Rows(0.0)));
}

fn weigh(scored: Scored, sums: RowSums) -> Rows {
  let p = select(exponential(scored.score - sums.base), Rows(0.0), orderOf(scored.score) <= lowest);
  let weight = select(bitcast<RowUints>(p * sums.share), RowUints(at.nan), sums.isPoisoned);
  return bitcast<Rows>(select(RowUints(0u), weight, scored.mayAttend));
}
`;
}
