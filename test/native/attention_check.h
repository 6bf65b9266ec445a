// Compares the results of attention with the reference, element by element, and then the gaps between them.
#pragma once
#include "attention_operands.h"
#include "report.h"

namespace headpool::test {

/// A score is off by some roundings of its terms, a probability relative to itself by as much; 1e-6 is 8 units in the
/// last place.
inline double relativeTolerance(const AttentionRow& row) { return 1e-6 * (1 + row.scoreSize); }

inline void checkWeights(Report& report, const AttentionOperands& o, const AttentionRow& row, Index i, Index g) {
  for (Index j = 0; j < o.a.keys + o.a.extraKeys; j++) {
    const Index n = o.weightAt(i, g, j);
    const double before = o.weightsBefore[static_cast<size_t>(n)];
    const double share = row.attends(j) ? row.probability(j) * o.a.weightsShare : 0;
    // A row that attends a NaN is NaN; whether the keys that it leaves out are 0 or NaN is all the same.
    if (!row.attends(j) && isnan(row.logSumExp) && isnan((*o.weights)[n])) {
      o.weights->forget(n);
      continue;
    }
    // A key left out adds exactly nothing; the exponential gives 0 below e^-88.
    const double tolerance = row.attends(j) ? relativeTolerance(row) * share + 1e-6 * fabs(before) + 1e-37 : 0;
    report.compare("weights", *o.weights, n, before + share, tolerance);
  }
}

inline void checkRow(Report& report, const AttentionOperands& o, Index i, Index g) {
  const Attention& a = o.a;
  const AttentionRow row(a, i, g);
  for (Index d = 0; d < a.valueDim; d++) {
    const Sum sum = row.output(d);
    const Index n = i * a.outputStride + g * a.outputHeadStride + d;
    report.compare("output", *o.output, n, sum.value, relativeTolerance(row) * sum.size);
  }
  if (o.weights) checkWeights(report, o, row, i, g);
  if (o.logSumExp) {
    const double tolerance = relativeTolerance(row) + 1e-6 * fabs(row.logSumExp);
    report.compare("logSumExp", *o.logSumExp, g * a.logSumExpHeadStride + i, row.logSumExp, tolerance);
  }
}

inline void checkAttention(Report& report, const AttentionOperands& o) {
  for (Index i = 0; i < o.a.queries; i++)
    for (Index g = 0; g < o.a.group; g++) checkRow(report, o, i, g);
  report.expectUntouched("output", *o.output);
  if (o.weights) report.expectUntouched("weights", *o.weights);
  if (o.logSumExp) report.expectUntouched("logSumExp", *o.logSumExp);
}

inline void beginAttention(Report& report, const char* set, const char* kind, Index number,
                           const AttentionOperands& o) {
  const Attention& a = o.a;
  report.begin(
      "%s %s %td: queries %td, group %td, keys %td, headDim %td, valueDim %td, extraKeys %td, scale %g, "
      "offsets %td %td, mask %s (%td %td %td), bias %s (%td %td %td), weights %s (add %td), logSumExp %s",
      set, kind, number, a.queries, a.group, a.keys, a.headDim, a.valueDim, a.extraKeys, a.scale, a.firstOffset,
      a.lastOffset, a.mask ? "yes" : "no", a.maskHeadStride, a.maskQueryStride, a.maskKeyStride, a.bias ? "yes" : "no",
      a.biasHeadStride, a.biasQueryStride, a.biasKeyStride, a.weights ? "yes" : "no", a.weightsAdd,
      a.logSumExp ? "yes" : "no");
}

}  // namespace headpool::test
