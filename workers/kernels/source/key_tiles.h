// The keys of one call of attention as tiles: which keys a query may attend as far as positions tell, and the tiles
// that cover them, read from wherever and however keys and values are stored.
#pragma once
#include "storage.h"

namespace headpool {
namespace {

/// Some neighbouring keys.
struct KeySpan {
  Index firstKey;
  Index keys;
  Index column;    // of the first key, where scores or weights are written
  bool isExtra;    // keys beside the sequence: no position, no bias, attended by all
  bool isMasked;   // the mask may leave some key out to some row
  bool isCut;      // some row leaves some key out for its position
  bool isPartial;  // some row may leave some key out, for its position, its mask or its bias
};

/// The same with the keys and values themselves.
template <class S>
struct KeyTile : KeySpan {
  using Stored = S;
  const typename S::Number* key;
  Index keyStride;
  const typename S::Number* value;
  Index valueStride;
};

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

/// Tiles over keys, the extra keys before all others; `Reader` says how the others are read. Visitors take any KeyTile.
template <int TileKeys, class Reader>
class KeyTiles {
  const Attention& a;
  float* const space;  // spaceFloats
  KeyRange some;       // what some query attends
  KeyRange all;        // what every query attends

 public:
  static_assert(wholePage % TileKeys == 0, "a page holds whole tiles");

  /// Scratch space of the reader, for a tile's keys and values.
  static constexpr Index spaceFloats(Index headDim, Index valueDim) {
    return Reader::spaceFloats(TileKeys * (headDim + valueDim));
  }

  /// For the queries firstQuery ... lastQuery.
  KeyTiles(const Attention& attention, Index firstQuery, Index lastQuery, float* widened)
      : a(attention), space(widened) {
    // The bounds grow with the query.
    some = {keysOf(a, firstQuery).first, keysOf(a, lastQuery).end};
    all = {keysOf(a, lastQuery).first, keysOf(a, firstQuery).end};
  }

  /// Visits what some query may attend. Tiles start at multiples of TileKeys wherever the range starts, so that a row's
  /// sums are cut alike in every block.
  template <class Visit>
  void forEach(Index extraColumn, Visit visit) const {
    forEachIn(some, extraColumn, visit);
  }

  /// Visits every key, attended or not.
  template <class Visit>
  void forEachKey(Index extraColumn, Visit visit) const {
    forEachIn({0, a.keys}, extraColumn, visit);
  }

 private:
  template <class Visit>
  void forEachIn(KeyRange range, Index extraColumn, Visit visit) const {
    if (a.extraKeys > 0) {
      const KeySpan span{a.keys, a.extraKeys, extraColumn, true, false, false, false};
      visit(KeyTile<StoredFloat32>{span, a.extraKey, a.headDim, a.extraValue, a.valueDim});
    }
    for (Index j = range.first; j < range.end;) {
      const Index next = (j / TileKeys + 1) * TileKeys;
      const Index end = next < range.end ? next : range.end;
      visit(tileOf(j, end));
      j = next;
    }
  }

  KeyTile<typename Reader::Stored> tileOf(Index j, Index end) const {
    const Index row = a.pages ? j % a.pageKeys : j;
    const Index start = a.pages ? a.pages[j / a.pageKeys] * a.pageStride : 0;
    const auto keys = Reader::read(a.key, a.storage, start + row * a.keyStride, a.keyStride, end - j, a.headDim, space);
    const auto values = Reader::read(a.value, a.storage, start + row * a.valueStride, a.valueStride, end - j,
                                     a.valueDim, space + TileKeys * a.headDim);
    const bool isCut = j < all.first || end > all.end;
    const bool isPartial = isCut || a.mask || a.bias;
    const KeySpan span{j, end - j, j, false, a.mask != nullptr, isCut, isPartial};
    return {span, keys.data, keys.stride, values.data, values.stride};
  }
};

}  // namespace
}  // namespace headpool
