// What head statistics need of rows, gathered tile by tile beside the online softmax: sums over the probabilities p =
// e^(score - maximum), which are rescaled whenever the maximum grows.
#pragma once
#include "key_tiles.h"

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
constexpr Index gatheredFields = sizeof(Gathered<float>) / sizeof(float);

/// The keys whose p is wanted by itself: key 0, and those at a row's position, before and behind it.
constexpr int neighbourCount = 4;
static_assert(statistic::next - statistic::first == neighbourCount - 1, "they follow one another");
inline Index keyOfNeighbour(int neighbour, Index position) {
  const Index keys[neighbourCount] = {0, position, position - 1, position + 1};
  return keys[neighbour];
}

/// A row's neighbours as sums of p: rescaled, and with those of a tile whose p lie `Stride` apart, as the sums do.
template <int Stride>
inline void addNeighbours(const KeySpan& tile, Index position, float factor, const float* p, float* neighbours) {
  for (int n = 0; n < neighbourCount; n++) {
    float& sum = neighbours[n * Stride];
    sum *= factor;
    const Index j = keyOfNeighbour(n, position) - tile.firstKey;
    if (!tile.isExtra && j >= 0 && j < tile.keys) sum += p[j * Stride];
  }
}

}  // namespace
}  // namespace headpool
