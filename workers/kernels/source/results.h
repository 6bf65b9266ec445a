// How results are written, whichever way they were computed.
#pragma once
#include "softmax.h"

namespace headpool {
namespace {

inline void fill(float* to, Index count, float number) {
  for (Index n = 0; n < count; n++) to[n] = number;
}

inline bool areFinite(const float* numbers, Index count) {
  bool areAll = true;
  for (Index n = 0; n < count; n++) areAll &= isFinite(numbers[n]);
  return areAll;
}

inline void writeLogSumExp(const ResultRows& to, Index g, Index i, const RowSums& sums) {
  if (to.logSumExp) to.logSumExp.at(g, i) = logSumExp(sums.maximum, sums.sum);
}

/// The results of query i and member g, whose values have been summed up to `values`.
inline void writeRow(const ResultRows& to, Index g, Index i, const float* values, const RowSums& sums) {
  const float headScale = to.headScale ? to.headScale.at(g) : 1.0f;
  const float factor = sums.share() * headScale;
  float* const output = to.output.row(g, i);
  // Exact zeros, where a product with 0 could be NaN.
  const bool isZero = !sums.hasAttended || headScale == 0;
  for (Index d = 0; d < to.valueDim; d++) output[d] = isZero ? 0.0f : values[d] * factor;
  writeLogSumExp(to, g, i, sums);
}

/// Replaces outputs of query i and member g that came out infinite or NaN by `meanOf(d)`, the sum of values times
/// probabilities: it is no larger than the values are, whereas the sum that is divided last may overflow.
template <class MeanOf>
inline void rewriteRow(const ResultRows& to, Index g, Index i, MeanOf meanOf) {
  const float headScale = to.headScale ? to.headScale.at(g) : 1.0f;
  float* const output = to.output.row(g, i);
  for (Index d = 0; d < to.valueDim; d++)
    if (!isFinite(output[d])) output[d] = meanOf(d) * headScale;
}

/// The statistics of a row, from what it gathered and its neighbours' sums, `Stride` apart.
template <int Stride>
inline void writeStatistics(float* to, const RowSums& sums, const Gathered<float>& row, const float* neighbours) {
  fill(to, statistic::count, 0);
  if (!sums.hasAttended) return;
  const float sum = sums.sum;
  // ln p = score - maximum - ln sum.
  to[statistic::entropy] = (row.keys * static_cast<float>(log(sum)) - row.logs) / sum;
  to[statistic::distance] = row.distances / sum;
  to[statistic::largest] = row.largest / sum;
  for (int n = 0; n < neighbourCount; n++) to[statistic::first + n] = neighbours[n * Stride] / sum;
  to[statistic::hasAttended] = 1;
}

/// The numbers of a tile's keys, `Stride` apart, into a row of weights or scores.
template <int Stride>
inline void writeColumns(const KeySpan& tile, float* row, const float* numbers, bool isAdded) {
  float* const to = row + tile.column;
  if (isAdded)
    for (Index j = 0; j < tile.keys; j++) to[j] += numbers[j * Stride];
  else
    for (Index j = 0; j < tile.keys; j++) to[j] = numbers[j * Stride];
}

/// The tiles once more, where weights or scores were asked for. `Rows` visits them, and scores and writes a tile.
template <class Rows>
void writeWeightsAndScores(const Attention& a, Rows& rows) {
  if (a.weights) {
    if (!a.weights.isAdded) rows.fillColumns(a.weights, 0);
    rows.forEachTile(a.weights, [&](const auto& tile) { rows.writeWeights(tile); });
  }
  if (!a.scores) return;
  const auto write = [&](const auto& tile) { rows.writeScores(tile, static_cast<ScoreStage>(a.scores.stage)); };
  if (a.scores.stage == biased) {
    rows.fillColumns(a.scores, -infinity);
    rows.forEachTile(a.scores, write);
  } else {
    rows.forEachKey(a.scores, write);
  }
}

}  // namespace
}  // namespace headpool
