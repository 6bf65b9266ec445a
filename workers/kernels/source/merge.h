// What rows gathered over ranges of their keys, put together.
#pragma once
#include "results.h"

namespace headpool {
namespace {

/// Query i and member g over all ranges, in their order.
template <int L>
inline void mergeRow(const Merge& m, Index g, Index i) {
  const float* const first = m.partial.row(g, i);
  RowSums sums;
  for (Index c = 0; c < m.ranges; c++) {
    const float* part = first + c * m.rangeStride + m.valueDim;
    sums.maximum = sums.maximum < part[0] ? part[0] : sums.maximum;
    sums.hasAttended = sums.hasAttended || part[2] != 0;
  }
  const float base = finiteBase(sums.maximum);
  float* const output = m.output.row(g, i);
  fill(output, m.valueDim, 0);
  // A range that attended nothing has a sum of its sink alone, or of nothing.
  for (Index c = 0; c < m.ranges; c++) {
    const float* part = first + c * m.rangeStride;
    const float factor = expOne<L>(part[m.valueDim] - base);
    sums.sum += part[m.valueDim + 1] * factor;
    for (Index d = 0; d < m.valueDim; d++) output[d] += part[d] * factor;
  }
  writeRow(m, g, i, output, sums);
  rewriteRow(m, g, i, [&](Index d) {
    float mean = 0;
    for (Index c = 0; c < m.ranges; c++) {
      const float* part = first + c * m.rangeStride;
      const float* means = part + meansOfPartial(m.valueDim);
      const float share = expOne<L>(part[m.valueDim] - base) / sums.sum;
      mean += isFinite(part[d]) ? part[d] * share : means[d] * (part[m.valueDim + 1] * share);
    }
    return mean;
  });
}

template <int L>
void merge(const Merge& m) {
  for (Index i = 0; i < m.queries; i++)
    for (Index g = 0; g < m.group; g++) mergeRow<L>(m, g, i);
}

}  // namespace
}  // namespace headpool
