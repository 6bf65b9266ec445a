// The online softmax, whether rows or keys lie in the lanes of its vectors, which lie `Stride` floats apart; and what
// statistics of heads need of rows: more sums over p = e^(score - maximum), rescaled whenever the maximum grows.
#pragma once
#include "exp.h"
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

/// What a row has summed up of p = e^(score - maximum).
struct RowSums {
  float maximum = -infinity;
  float sum = 0;
  bool hasAttended = false;

  /// What makes probabilities of p.
  float share() const { return hasAttended ? 1.0f / sum : 0.0f; }
};

/// Lane by lane the largest score, and `most` where it is larger.
template <int L, int Stride>
inline Floats<L> largestOf(const float* scores, Index count, Floats<L> most) {
  // A NaN score is passed over here and stays among the scores, where it belongs.
  for (Index n = 0; n < count; n++) most = larger<L>(most, load<L>(scores + n * Stride));
  return most;
}

/// Scores become p = e^(score - base). Returns what was gathered of them, without statistics their sum alone;
/// `distanceOf(n)` tells how far keys are from rows in vector n.
template <int L, int Stride, bool HasStatistics, class Distance>
inline Gathered<Floats<L>> exponentiate(float* scores, Index count, Floats<L> base, Distance distanceOf) {
  Gathered<Floats<L>> gathered{};
  for (Index n = 0; n < count; n++) {
    const Floats<L> relative = load<L>(scores + n * Stride) - base;
    const Floats<L> p = exp<L>(relative);
    store<L>(scores + n * Stride, p);
    gathered.keys += p;
    if constexpr (HasStatistics) {
      // -infinity times a p of 0 would be NaN.
      gathered.logs = multiplyAdd<L>(p, larger<L>(relative, splat<L>(-88.0f)), gathered.logs);
      gathered.largest = larger<L>(gathered.largest, p);
      gathered.distances = multiplyAdd<L>(p, distanceOf(n), gathered.distances);
    }
  }
  return gathered;
}

/// Scores become weights: e^(score - base) * share.
template <int L, int Stride>
inline void weigh(float* scores, Index count, Floats<L> base, Floats<L> share) {
  for (Index n = 0; n < count; n++) store<L>(scores + n * Stride, exp<L>(load<L>(scores + n * Stride) - base) * share);
}

}  // namespace
}  // namespace headpool
