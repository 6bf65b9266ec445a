// What head statistics need of rows, gathered tile by tile beside the online softmax: sums over the probabilities p =
// e^(score - maximum), which are rescaled whenever the maximum grows.
#pragma once
#include "exp.h"

namespace headpool {
namespace {

/// Of one row, or of as many as the vector T has lanes.
template <class T>
struct Gathered {
  T keys;       // sum of p over keys: the softmax's sum without a sink
  T logs;       // sum of p * (score - maximum)
  T distances;  // sum of p * |position - j|
  T largest;    // the largest p

  /// The maximum grew by -`shift`, which multiplies every p by `factor` = e^shift.
  void rescale(T factor, T shift) {
    // From the lowest bias up, shift * keys would overflow; with a factor of 0 it is nothing.
    logs = logs * factor + shift * factor * keys;
    keys *= factor;
    distances *= factor;
    largest *= factor;
  }
};

/// The keys whose p is wanted by itself: key 0, and those at a row's position, before and behind it.
constexpr int neighbourCount = 4;
static_assert(statistic::next - statistic::first == neighbourCount - 1, "they follow one another");
inline Index keyOfNeighbour(int neighbour, Index position) {
  const Index keys[neighbourCount] = {0, position, position - 1, position + 1};
  return keys[neighbour];
}

/// The statistics of a row, from what it gathered and the softmax's denominator.
inline void writeStatistics(float* to, const Gathered<float>& row, const float* neighbours, Index neighbourStride,
                            float sum, bool hasAttended) {
  for (int n = 0; n < statistic::count; n++) to[n] = 0;
  if (!hasAttended) return;
  // ln p = score - maximum - ln sum.
  to[statistic::entropy] = (row.keys * static_cast<float>(log(sum)) - row.logs) / sum;
  to[statistic::distance] = row.distances / sum;
  to[statistic::largest] = row.largest / sum;
  for (int n = 0; n < neighbourCount; n++) to[statistic::first + n] = neighbours[n * neighbourStride] / sum;
  to[statistic::hasAttended] = 1;
}

}  // namespace
}  // namespace headpool
