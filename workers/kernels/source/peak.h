// A loop of nothing but multiply-adds on registers: the rate that no kernel of this instruction set can exceed.
#pragma once
#include "simd.h"

namespace headpool {

/// Runs `rounds` rounds of `Chains` independent multiply-add chains; 2 * L * Chains * rounds FLOP.
/// The result only keeps the compiler from removing the loop.
template <int L, int Chains>
float multiplyAddRounds(Index rounds, float seed) {
  Floats<L> sums[Chains];
  for (int c = 0; c < Chains; c++) sums[c] = splat<L>(seed + static_cast<float>(c));
  const Floats<L> factor = splat<L>(0.999f), addend = splat<L>(seed);
  for (Index n = 0; n < rounds; n++)
    for (int c = 0; c < Chains; c++) sums[c] = multiplyAdd<L>(sums[c], factor, addend);
  Floats<L> total = sums[0];
  for (int c = 1; c < Chains; c++) total += sums[c];
  float result = 0;
  for (int lane = 0; lane < L; lane++) result += total[lane];
  return result;
}

}  // namespace headpool
