// What a case of attention leaves to chance beside its sizes and its tensors: the scale, the cap, where queries stand,
// which keys positions rule out, and how keys and values are stored.
#pragma once
#include <math.h>

#include "random.h"

namespace headpool::test {

inline void setScale(Random& random, Attention& a) {
  const float usual = 1.0f / sqrtf(static_cast<float>(a.headDim));
  const float scales[] = {usual, usual, usual, -usual, 4 * usual, 1.0f};
  a.rules.scale = scales[random.below(6)];
}

/// None, one that flattens every score, some in the middle of them, and one as models have it.
inline void setSoftcap(Random& random, Attention& a) {
  const float caps[] = {0, 0, 0, 0.01f, 0.7f, 2.5f, 30.0f};
  a.rules.softcap = caps[random.below(7)];
}

/// None, a causal bound on some diagonal, a window, or bounds that leave many rows nothing. Queries stand on a diagonal
/// of their own: only a caller puts bounds around it.
inline void setBounds(Random& random, Attention& a) {
  constexpr Index unbounded = 1 << 30;
  a.rules.firstOffset = -unbounded;
  a.rules.lastOffset = unbounded;
  const Index kind = random.below(5);
  const Index diagonal = random.once(2) ? a.keys - a.queries : random.below(9) - 4;
  if (kind == 1 || kind == 2) a.rules.lastOffset = diagonal;
  if (kind == 2) a.rules.firstOffset = diagonal - random.below(a.keys + 2);
  if (kind == 3) a.rules.firstOffset = random.below(a.keys + 2) - random.below(a.queries + 2);
  const Index positions[] = {0, a.keys - a.queries, random.below(9) - 4, random.below(a.keys + 9), -1000, 1000000};
  a.position = positions[random.below(6)];
}

inline void setStorage(Random& random, Attention& a) {
  const Index storages[] = {float32, float32, float16, bfloat16};
  a.storage = storages[random.below(4)];
}

inline void setScoresStage(Random& random, Attention& a) { a.scores.stage = random.below(biased + 1); }

}  // namespace headpool::test
