// What becomes of the scores of one row and tile before the softmax, when keys lie in the lanes: as score_terms.h has
// it for blocks of rows.
#pragma once
#include "exp.h"
#include "key_tiles.h"

namespace headpool {
namespace {

template <class Target>
class RowTerms {
  static constexpr int L = Target::lanes;
  static constexpr int tileKeys = Target::tileKeys;

  const Attention& a;
  float* const scores;    // [tileKeys]
  float* const additive;  // [tileKeys], of a partial tile: bias, -infinity = left out

 public:
  static constexpr Index spaceFloats = tileKeys;

  RowTerms(const Attention& attention, float* scoresOfTile, float* space)
      : a(attention), scores(scoresOfTile), additive(space) {}

  /// The scores of query i and member g, scaled, as they are after `stage`, and -infinity in the lanes behind the last
  /// key. Returns whether the row attends some key.
  bool apply(const KeySpan& tile, Index g, Index i, ScoreStage stage) {
    if (stage >= softcapped && a.rules.softcap > 0) cap(tile);
    for (Index j = tile.keys; j % L != 0; j++) scores[j] = -infinity;
    if (stage < biased) return false;
    if (a.rules.alibiSlopes && !tile.isExtra) addDistances(tile, a.rules.alibiSlopes.at(g), i);
    return tile.isPartial ? leaveOut(tile, KeyRules(a, g, i)) : true;
  }

  /// Of a partial tile, the one that `apply` was called for last.
  bool isLeftOut(Index j) const { return additive[j] == -infinity; }

  /// |position of query i - j| for L keys from `key` on.
  Floats<L> distanceTo(Index key, Index i) const {
    Ints<L> distance{};
    for (int n = 0; n < L; n++) distance[n] = n;
    return magnitude<L>(distance + static_cast<int>(key - i - a.position));
  }

 private:
  void cap(const KeySpan& tile) {
    const Cap<L> capped(a.rules.softcap);
    for (Index j = 0; j < tile.keys; j += L) store<L>(scores + j, capped(load<L>(scores + j)));
  }

  void addDistances(const KeySpan& tile, float slope, Index i) {
    for (Index j = 0; j < tile.keys; j += L)
      store<L>(scores + j, load<L>(scores + j) - slope * distanceTo(tile.firstKey + j, i));
  }

  bool leaveOut(const KeySpan& tile, const KeyRules& rules) {
    bool attendsSome = false;
    for (Index j = 0; j < tile.keys; j++) {
      additive[j] = rules.biasOf(tile.firstKey + j);
      scores[j] = isLeftOut(j) ? -infinity : scores[j] + additive[j];
      attendsSome |= !isLeftOut(j);
    }
    return attendsSome;
  }
};

}  // namespace
}  // namespace headpool
