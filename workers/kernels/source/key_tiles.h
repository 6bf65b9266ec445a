// The keys of one call of attention: which of them a query may attend, and the tiles that cover them, read from
// wherever and however keys and values are stored.
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
  const Index first = i + a.position - a.rules.left;
  const Index end = i + a.position + a.rules.right + 1;
  return {first < 0 ? 0 : first, end > a.keys ? a.keys : end};
}

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
    if (a.extra.count > 0) {
      const auto& [count, key, value] = a.extra;
      const KeySpan span{a.keys, count, extraColumn, true, false, false, false};
      visit(KeyTile<StoredFloat32>{span, key.data, key.rowStride, value.data, value.rowStride});
    }
    for (Index j = range.first; j < range.end;) {
      const Index next = (j / TileKeys + 1) * TileKeys;
      const Index end = next < range.end ? next : range.end;
      visit(tileOf(j, end));
      j = next;
    }
  }

  KeyTile<typename Reader::Stored> tileOf(Index j, Index end) const {
    const auto keys = Reader::read(rowsFrom(j, a.key), end - j, a.headDim, space);
    const auto values = Reader::read(rowsFrom(j, a.value), end - j, a.valueDim, space + TileKeys * a.headDim);
    const bool isCut = j < all.first || end > all.end;
    const bool isMasked{a.rules.mask};
    const KeySpan span{j, end - j, j, false, isMasked, isCut, isCut || isMasked || a.rules.bias};
    return {span, keys.data, keys.stride, values.data, values.stride};
  }

  RowsOfCall rowsFrom(Index j, const Strided<const void>& rows) const {
    const auto& [table, pageKeys, pageStride] = a.pages;
    const Index element = table ? table[j / pageKeys] * pageStride + j % pageKeys * rows.rowStride : j * rows.rowStride;
    return {rows.data, a.storage, element, rows.rowStride};
  }
};

}  // namespace
}  // namespace headpool
