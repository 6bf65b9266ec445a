// The online softmax, whether rows or keys lie in the lanes of its vectors of scores, which lie `Stride` floats apart.
#pragma once
#include "exp.h"
#include "statistics.h"

namespace headpool {
namespace {

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
