// Compares the results of attention with the reference, element by element, and then the gaps between them.
#pragma once
#include "attention_operands.h"
#include "report.h"

namespace headpool::test {

/// A rounding, times what the size of a number counts: 1e-6 is 8 units in the last place.
constexpr double rounding = 1e-6;

/// Beside its roundings, a probability is off by what the exponential cuts off below e^-88.
constexpr double cutOff = 1e-37;

inline void checkWeights(Report& report, const AttentionOperands& o, const AttentionRow& row, Index i, Index g) {
  for (Index j = 0; j < o.a.keys + o.a.extra.count; j++) {
    const Index n = o.weightAt(i, g, j);
    const double before = o.weightsBefore[static_cast<size_t>(n)];
    const double share = row.attends(j) ? row.probability(j) * o.a.weights.share : 0;
    // Whether the keys that an undefined row leaves out are 0 or NaN is all the same.
    if (!row.attends(j) && row.isUndefined && isnan((*o.weights)[n])) {
      o.weights->forget(n);
      continue;
    }
    const double roundings = share == 0 ? 0 : share * row.roundingsOf(j);
    // A key left out adds exactly nothing.
    const double tolerance = row.attends(j) ? rounding * (roundings + fabs(before)) + cutOff : 0;
    report.compare("weights", *o.weights, n, before + share, tolerance);
  }
}

/// A score is off by roundings of its terms. Which keys are left out shows in the last stage only.
inline void checkScores(Report& report, const AttentionOperands& o, const AttentionRow& row, Index i, Index g) {
  for (Index j = 0; j < o.a.keys + o.a.extra.count; j++) {
    const bool isLeftOut = o.a.scores.stage == biased && !row.attends(j);
    const Sum score = isLeftOut ? Sum{-INFINITY, 0} : row.scoreOf(j, o.a.scores.stage);
    report.compare("scores", *o.scores, o.scoreAt(i, g, j), score.value, rounding * score.size);
  }
}

inline void checkStatistics(Report& report, const AttentionOperands& o, const AttentionRow& row, Index i, Index g) {
  for (Index field = 0; field < rowStatistics; field++) {
    const Index n = (i * o.a.group + g) * rowStatistics + field;
    const Sum wanted = row.statistic(field);
    // A statistic of an undefined row that counts none of the keys it attends may be 0 or NaN.
    if (row.isUndefined && field != statistic::hasAttended && isnan((*o.statistics)[n])) {
      o.statistics->forget(n);
      continue;
    }
    // What is cut off counts by its distance or its logarithm.
    const double furthest = 100 + fabs(static_cast<double>(o.a.position)) + static_cast<double>(o.a.keys + o.a.queries);
    const double tolerance =
        rounding * wanted.size + static_cast<double>(o.a.keys + o.a.extra.count) * furthest * cutOff;
    report.compare("statistics", *o.statistics, n, wanted.value, field == statistic::hasAttended ? 0 : tolerance);
  }
}

inline void checkRow(Report& report, const AttentionOperands& o, const Sequence& sequence, Index i, Index g) {
  const Attention& a = o.a;
  const AttentionRow row(sequence, i, g);
  for (Index d = 0; d < a.valueDim; d++) {
    const Sum sum = row.output(d);
    const Index n = i * a.output.rowStride + g * a.output.headStride + d;
    const bool isZero = !row.hasAttended || (a.headScale && a.headScale.at(g) == 0);
    // What is cut off counts by its value.
    const double tolerance = rounding * sum.size + 4 * cutOff * row.sizeOfValues(d);
    report.compare("output", *o.output, n, sum.value, isZero ? 0 : tolerance);
  }
  if (o.weights) checkWeights(report, o, row, i, g);
  if (o.scores) checkScores(report, o, row, i, g);
  if (o.statistics) checkStatistics(report, o, row, i, g);
  if (o.logSumExp) {
    const double tolerance = rounding * (1 + row.meanSize + fabs(row.logSumExp));
    report.compare("logSumExp", *o.logSumExp, g * a.logSumExp.headStride + i, row.logSumExp, tolerance);
  }
}

inline void checkAttention(Report& report, const AttentionOperands& o) {
  const Sequence sequence(o.a);
  for (Index i = 0; i < o.a.queries; i++)
    for (Index g = 0; g < o.a.group; g++) checkRow(report, o, sequence, i, g);
  report.expectUntouched("output", *o.output);
  if (o.weights) report.expectUntouched("weights", *o.weights);
  if (o.scores) report.expectUntouched("scores", *o.scores);
  if (o.statistics) report.expectUntouched("statistics", *o.statistics);
  if (o.logSumExp) report.expectUntouched("logSumExp", *o.logSumExp);
}

inline void beginAttention(Report& report, const char* set, const char* kind, Index number,
                           const AttentionOperands& o) {
  const Attention& a = o.a;
  const auto given = [](const auto& operand) { return operand ? "yes" : "no"; };
  report.begin(
      "%s %s %td: queries %td, group %td, keys %td, headDim %td, valueDim %td, extraKeys %td, storage %td, pages %s of "
      "%td, scale %g, softcap %g, position %td, left %td, right %td, mask %s (%td %td %td), bias %s (%td %td %td), "
      "slopes %s, sinks %s, headScale %s, weights %s (add %td), scores %s (stage %td), statistics %s, logSumExp %s",
      set, kind, number, a.queries, a.group, a.keys, a.headDim, a.valueDim, a.extra.count, a.storage,
      given(a.pages.table), a.pages.pageKeys, static_cast<double>(a.rules.scale), static_cast<double>(a.rules.softcap),
      a.position, a.rules.left, a.rules.right, given(a.rules.mask), a.rules.mask.headStride, a.rules.mask.rowStride,
      a.rules.mask.columnStride, given(a.rules.bias), a.rules.bias.headStride, a.rules.bias.rowStride,
      a.rules.bias.columnStride, given(a.rules.alibiSlopes), given(a.rules.sinks), given(a.headScale), given(a.weights),
      a.weights.isAdded, given(a.scores), a.scores.stage, given(a.statistics), given(a.logSumExp));
}

}  // namespace headpool::test
