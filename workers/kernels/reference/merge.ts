// Rows that were computed over ranges of their keys, put together in the order of the ranges.
import { meansOfPartial, partialFloats } from '../../../src/core/protocol/attention-work.js';
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
  const parts = Array.from({ length: ranges }, (_, range) => {
    const start =
      partial.offset + range * partial.entryStride + g * partial.headStride + i * partial.rowStride;
    const numbers = partial.data.subarray(start, start + partialFloats(valueDim));
    const [m, l, hasAttended] = numbers.subarray(valueDim);
    const means = numbers.subarray(meansOfPartial(valueDim));
    return { o: numbers, m: m!, l: l!, hasAttended: hasAttended !== 0, means };
  });
  const sumOf = (term: (part: (typeof parts)[number], n: number) => number): number =>
    parts.reduce((sum, part, n) => fround(sum + fround(term(part, n))), 0);
  const isEmpty = !parts.some(({ hasAttended }) => hasAttended);

  // m = max_r m_r, l = Σ_r l_r exp(m_r - m), o = Σ_r o_r exp(m_r - m) / l
  const m = parts.reduce((most, part) => max(most, part.m), -Infinity);
  const base = m === -Infinity ? 0 : m;
  const factors = parts.map((part) => fround(exp(fround(part.m - base))));
  const l = sumOf((part, n) => part.l * factors[n]!);
  const shares = factors.map((factor) => fround(factor / l));
  const headScale = rows.headScale === null ? 1 : ofHead(rows.headScale, g);
  const out = output.offset + i * output.rowStride + g * output.headStride;
  for (let d = 0; d < valueDim; d++) {
    const sum = sumOf(({ o }, n) => o[d]! * factors[n]!);
    // Where the sum overflows, be it that of one range, the same divided before it is added up.
    const mean = Number.isFinite(sum)
      ? fround(sum / l)
      : sumOf(({ o, l: ofPart, means }, n) =>
          Number.isFinite(o[d]) ? o[d]! * shares[n]! : means[d]! * fround(ofPart * shares[n]!),
        );
    output.data[out + d] = isEmpty || headScale === 0 ? 0 : fround(mean * headScale);
  }
  if (rows.logSumExp === null) return;
  const { data, offset, headStride, rowStride } = rows.logSumExp;
  data[offset + g * headStride + i * rowStride] = l === 0 ? -Infinity : m + log(l);
}
