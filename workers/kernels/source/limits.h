// The limits of a machine, as loops to be timed: multiply-adds on registers, and reading memory.
#pragma once
#include "tile.h"

namespace headpool {
namespace {

/// Runs `rounds` rounds of `Chains` independent multiply-add chains; 2 * L * Chains * rounds FLOP.
/// The result only keeps the compiler from removing the loop.
template <int L, int Chains>
float multiplyAddRounds(Index rounds, float seed) {
  Floats<L> sums[Chains];
  HEADPOOL_UNROLL for (int c = 0; c < Chains; c++) sums[c] = splat<L>(seed + static_cast<float>(c));
  const Floats<L> factor = splat<L>(0.999f), addend = splat<L>(seed);
  // Unrolled: where a loop this tight happens to lie in memory would decide a seventh of its rate.
#pragma GCC unroll 8
  for (Index n = 0; n < rounds; n++)
    HEADPOOL_UNROLL for (int c = 0; c < Chains; c++) sums[c] = multiplyAdd<L>(sums[c], factor, addend);
  Floats<L> total = sums[0];
  HEADPOOL_UNROLL for (int c = 1; c < Chains; c++) total += sums[c];
  return sumLanes<L>(total);
}

/// The sum of `count` floats, read once; four vectors at a time, so that additions don't hold reading up.
template <int L>
float sumFloats(const float* data, Index count) {
  Floats<L> sums[4] = {};
  Index n = 0;
  for (; n + 4 * L <= count; n += 4 * L)
    HEADPOOL_UNROLL for (int v = 0; v < 4; v++) sums[v] += load<L>(data + n + v * L);
  float rest = 0;
  for (; n < count; n++) rest += data[n];
  return sumLanes<L>((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

}  // namespace
}  // namespace headpool
