// What a case of attention leaves to chance beside its sizes: the scale, and which keys positions rule out.
#pragma once
#include <math.h>

#include "random.h"

namespace headpool::test {

inline void setScale(Random& random, Attention& a) {
  const float usual = 1.0f / sqrtf(static_cast<float>(a.headDim));
  const float scales[] = {usual, usual, usual, -usual, 4 * usual, 1.0f};
  a.scale = scales[random.below(6)];
}

/// None, a causal bound on some diagonal, a window, or bounds that leave many rows nothing.
inline void setBounds(Random& random, Attention& a) {
  constexpr Index unbounded = 1 << 30;
  a.firstOffset = -unbounded;
  a.lastOffset = unbounded;
  const Index kind = random.below(5);
  const Index diagonal = random.once(2) ? a.keys - a.queries : random.below(9) - 4;
  if (kind == 1 || kind == 2) a.lastOffset = diagonal;
  if (kind == 2) a.firstOffset = diagonal - random.below(a.keys + 2);
  if (kind == 3) a.firstOffset = random.below(a.keys + 2) - random.below(a.queries + 2);
}

}  // namespace headpool::test
