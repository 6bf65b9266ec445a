// Rows that were computed over ranges of their keys, put together in the order of the ranges.
import { partialFloats } from '../../../src/core/protocol/attention-work.js';
import type { PartialRows } from '../kernel.js';
import { ofHead } from './row.js';

const { fround, exp, log, max } = Math;

export function merge(rows: PartialRows): void {
  for (let i = 0; i < rows.queries; i++) {
    for (let g = 0; g < rows.group; g++) mergeRow(rows, i, g);
  }
}

function mergeRow(rows: PartialRows, i: number, g: number): void {
  const { partial, ranges, valueDim, output } = rows;
  const floats = partialFloats(valueDim);
  const parts = Array.from({ length: ranges }, (_, range) => {
    const start =
      partial.offset + range * partial.entryStride + g * partial.headStride + i * partial.rowStride;
    const [m, l, hasAttended] = partial.data.subarray(start + valueDim, start + floats);
    return { start, m: m!, l: l!, hasAttended: hasAttended !== 0 };
  });
  const isEmpty = !parts.some(({ hasAttended }) => hasAttended);

  // m = max_r m_r, l = Σ_r l_r exp(m_r - m), o = Σ_r o_r exp(m_r - m) / l
  const m = parts.reduce((most, part) => max(most, part.m), -Infinity);
  const base = m === -Infinity ? 0 : m;
  const factors = parts.map((part) => fround(exp(fround(part.m - base))));
  const l = parts.reduce((sum, part, n) => fround(sum + fround(part.l * factors[n]!)), 0);
  const headScale = rows.headScale === null ? 1 : ofHead(rows.headScale, g);
  const out = output.offset + i * output.rowStride + g * output.headStride;
  for (let d = 0; d < valueDim; d++) {
    let sum = 0;
    parts.forEach(({ start }, n) => {
      sum = fround(sum + fround(partial.data[start + d]! * factors[n]!));
    });
    output.data[out + d] = isEmpty || headScale === 0 ? 0 : fround(fround(sum / l) * headScale);
  }
  if (rows.logSumExp === null) return;
  const { data, offset, headStride, rowStride } = rows.logSumExp;
  data[offset + g * headStride + i * rowStride] = l === 0 ? -Infinity : m + log(l);
}
