// The keys of one call of attention as tiles: which keys a query may attend as far as positions tell, and the tiles
// that cover them.
#pragma once
#include "simd.h"

namespace headpool {
namespace {

/// Some neighbouring keys with their values.
struct KeyTile {
  const float* key;
  Index keyStride;
  const float* value;
  Index valueStride;
  Index firstKey;
  Index keys;
  Index weightsColumn;  // of the first key, where weights are written
  bool isPartial;  // some row may leave out some key
};

/// Whether no value of the tile is NaN or infinite.
template <int L>
inline bool areFinite(const KeyTile& tile, Index valueDim) {
  // 0 * NaN and 0 * infinity are NaN, everything else stays 0.
  float zero = 0;
  Floats<L> zeros = splat<L>(0.0f);
  for (Index j = 0; j < tile.keys; j++) {
    const float* v = tile.value + j * tile.valueStride;
    Index d = 0;
    for (; d + L <= valueDim; d += L) zeros += load<L>(v + d) * 0.0f;
    for (; d < valueDim; d++) zero += v[d] * 0.0f;
  }
  for (int lane = 0; lane < L; lane++) zero += zeros[lane];
  return zero == 0;
}

/// Keys first <= j < end.
struct KeyRange {
  Index first;
  Index end;
};

/// The keys that query `i` may attend.
inline KeyRange keysOf(const Attention& a, Index i) {
  const Index first = i + a.firstOffset;
  const Index end = i + a.lastOffset + 1;
  return {first < 0 ? 0 : first, end > a.keys ? a.keys : end};
}

/// Tiles over the keys that some query of firstQuery ... lastQuery may attend, the extra keys before all others.
template <int TileKeys>
class KeyTiles {
  const Attention& a;
  KeyRange some;  // what some query attends
  KeyRange all;   // what every query attends

 public:
  KeyTiles(const Attention& attention, Index firstQuery, Index lastQuery) : a(attention) {
    // The bounds grow with the query.
    some = {keysOf(a, firstQuery).first, keysOf(a, lastQuery).end};
    all = {keysOf(a, lastQuery).first, keysOf(a, firstQuery).end};
  }

  /// Tiles start at multiples of TileKeys wherever the range starts, so that a row's sums are cut alike in every block.
  template <class Visit>
  void forEach(Visit visit) const {
    if (a.extraKeys > 0) {
      visit(KeyTile{a.extraKey, a.headDim, a.extraValue, a.valueDim, a.keys, a.extraKeys, a.weightsExtraColumn, false});
    }
    for (Index j = some.first; j < some.end;) {
      const Index next = (j / TileKeys + 1) * TileKeys;
      const Index end = next < some.end ? next : some.end;
      const bool isPartial = j < all.first || end > all.end || a.mask || a.bias;
      visit(KeyTile{a.key + j * a.keyStride, a.keyStride, a.value + j * a.valueStride, a.valueStride, j, end - j, j,
                    isPartial});
      j = next;
    }
  }
};

}  // namespace
}  // namespace headpool
