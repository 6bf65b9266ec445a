// What the rules of scores say, whether rows or keys lie in the lanes.
#pragma once
#include "exp.h"
#include "key_tiles.h"

namespace headpool {
namespace {

/// c tanh(score / c)
template <int L>
class Cap {
  const float cap;
  const float inverse;

 public:
  explicit Cap(float softcap) : cap(softcap), inverse(1.0f / softcap) {}
  Floats<L> operator()(Floats<L> scores) const { return tanh<L>(scores * inverse) * cap; }
};

/// What bounds, mask and bias say of the keys of one query and member of the group.
class KeyRules {
  const KeyRange range;
  const unsigned char* const mask;
  const Index maskStride;
  const float* const bias;
  const Index biasStride;

 public:
  KeyRules(const Attention& a, Index g, Index i)
      : range(keysOf(a, i)),
        mask(a.rules.mask.row(g, i)),
        maskStride(a.rules.mask.columnStride),
        bias(a.rules.bias.row(g, i)),
        biasStride(a.rules.bias.columnStride) {}

  /// What is added to the score of a key; -infinity where it is left out.
  float biasOf(Index key) const {
    const bool mayAttend = key >= range.first && key < range.end && (!mask || mask[key * maskStride]);
    return !mayAttend ? -infinity : bias ? bias[key * biasStride] : 0.0f;
  }
};

}  // namespace
}  // namespace headpool
