// What becomes of the scores of a tile before the softmax: capped, ALiBi and bias added, -infinity where left out.
// Scores lie as [keys][rows], so mask and bias, which lie by row, are transposed on the way.
#pragma once
#include "exp.h"
#include "row_block.h"
#include "transpose.h"

namespace headpool {
namespace {

template <class Target>
class ScoreTerms {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;
  static constexpr int tileKeys = Target::tileKeys;

  const Attention& a;
  const RowBlock<Target>& block;
  float* const scores;      // [keys of a tile][blockRows]
  float* const slopes;      // [blockRows], of ALiBi
  signed char* const mask;  // [blockRows][tileKeys]: -1 = may attend, 0 = left out; one row where it is shared

  // Bytes as every instruction set has them.
  static constexpr int flags = 16;
  typedef signed char Flags __attribute__((vector_size(16)));

 public:
  static constexpr Index spaceFloats = blockRows + blockRows * tileKeys / sizeof(float);

  ScoreTerms(const RowBlock<Target>& rowBlock, float* scoresOfTile, float* space)
      : a(rowBlock.a),
        block(rowBlock),
        scores(scoresOfTile),
        slopes(space),
        mask(reinterpret_cast<signed char*>(space + blockRows)) {
    if (!a.rules.alibiSlopes) return;
    for (Index lane = 0; lane < block.lanes; lane++) slopes[lane] = a.rules.alibiSlopes.at(block.memberOf(lane));
  }

  /// Reads the mask of a tile, row by row as it lies; false where it leaves every key out to every row. Where it leaves
  /// none out, the tile is partial only for other reasons. To be called before `apply`.
  bool attendSome(KeySpan& tile) {
    if (!tile.isMasked) return true;
    const Index keyStride = a.rules.mask.columnStride;
    Flags any{}, all = ~any;
    for (Index lane = 0; lane < (isMaskShared() ? 1 : block.lanes); lane++) {
      const unsigned char* from = block.rowOf(a.rules.mask, lane) + tile.firstKey * keyStride;
      signed char* to = mask + lane * tileKeys;
      Index j = 0;
      if (keyStride == 1) {
        fetch(from + tileKeys, tileKeys);
        for (; j + flags <= tile.keys; j += flags) {
          Flags row;
          __builtin_memcpy(&row, from + j, flags);
          row = row != 0;
          __builtin_memcpy(to + j, &row, flags);
          any |= row;
          all &= row;
        }
      }
      for (; j < tile.keys; j++) {
        to[j] = from[j * keyStride] ? -1 : 0;
        any[0] |= to[j];
        all[0] &= to[j];
      }
    }
    tile.isMasked = false;
    bool isSome = false;
    for (int n = 0; n < flags; n++) {
      isSome |= any[n] != 0;
      tile.isMasked |= all[n] == 0;
    }
    tile.isPartial = tile.isMasked || tile.isCut || a.rules.bias;
    return isSome;
  }

  /// The scores, scaled, as they are after `stage`.
  void apply(const KeySpan& tile, ScoreStage stage) {
    if (stage >= softcapped && a.rules.softcap > 0) cap(tile);
    if (stage < biased) return;
    if (a.rules.alibiSlopes && !tile.isExtra) addDistances(tile);
    if (tile.isPartial) {
      leaveOut(tile);
    } else {
      for (Index lane = 0; lane < block.lanes; lane++) block.attended[lane] = -1;
    }
  }

  /// Whether the rows of L lanes may attend key j of the tile. Slow: for what happens rarely.
  Ints<L> mayAttend(const KeySpan& tile, Index j, Index lane) const {
    Ints<L> may{};
    for (int n = 0; n < L; n++) {
      const KeyRules rules(a, block.memberOf(lane + n), block.queryOf(lane + n));
      may[n] = rules.biasOf(tile.firstKey + j) == -infinity ? 0 : -1;
    }
    return may;
  }

 private:
  /// score = f(score, j, lane) for all of a tile.
  template <class F>
  void update(const KeySpan& tile, F f) {
    for (Index j = 0; j < tile.keys; j++) {
      for (Index lane = 0; lane < block.lanes; lane += L) {
        float* at = scores + j * blockRows + lane;
        store<L>(at, f(load<L>(at), j, lane));
      }
    }
  }

  void cap(const KeySpan& tile) {
    const Cap<L> capped(a.rules.softcap);
    update(tile, [=](Floats<L> s, Index, Index) { return capped(s); });
  }

  void addDistances(const KeySpan& tile) {
    update(tile, [&](Floats<L> s, Index j, Index lane) {
      return s - load<L>(slopes + lane) * block.distanceTo(tile.firstKey + j, lane);
    });
  }

  // ---- mask, bias and the bounds of positions ----

  /// Has `bytes` bytes brought near, those of the next tile while this one is computed: its rows lie too far apart for
  /// the processor to see it coming (9 % of the time of attention with a mask of 2,048 x 2,048).
  static void fetch(const void* from, Index bytes) {
    for (Index n = 0; n < bytes; n += 64) __builtin_prefetch(static_cast<const char*>(from) + n);
  }

  /// Whether one row of the mask serves all rows of the block.
  bool isMaskShared() const {
    const auto& mask = a.rules.mask;
    return mask.rowStride == 0 && (mask.headStride == 0 || a.group == 1);
  }

  void leaveOut(const KeySpan& tile) {
    if (a.rules.bias) {
      tile.isCut ? leaveOutRows<true, true>(tile) : leaveOutRows<true, false>(tile);
    } else if (!tile.isMasked) {
      leaveOutKeys(tile, [](Index) { return true; });
    } else if (isMaskShared()) {
      // Whole keys, as padding is.
      leaveOutKeys(tile, [this](Index j) { return mask[j] != 0; });
    } else {
      tile.isCut ? leaveOutRows<false, true>(tile) : leaveOutRows<false, false>(tile);
    }
  }

  /// By position, and beyond that the keys that are not `kept` for any row.
  template <class IsKept>
  void leaveOutKeys(const KeySpan& tile, IsKept isKept) {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Bounds bounds = boundsOf(tile, lane);
      Ints<L> attended = load<L>(block.attended + lane);
      for (Index j = 0; j < tile.keys; j++) {
        const Ints<L> may = isKept(j) ? bounds.hold(j) : Ints<L>{};
        float* at = scores + j * blockRows + lane;
        store<L>(at, select<L>(may, load<L>(at), splat<L>(-infinity)));
        attended |= may;
      }
      store<L>(block.attended + lane, attended);
    }
  }

  /// The keys that L rows may attend, counted from the first one of a tile.
  struct Bounds {
    Ints<L> first;
    Ints<L> end;
    Ints<L> hold(Index j) const {
      const Ints<L> key = Ints<L>{} + static_cast<int>(j);
      return (key >= first) & (key < end);
    }
  };
  Bounds boundsOf(const KeySpan& tile, Index lane) const {
    const int origin = static_cast<int>(tile.firstKey);
    return {load<L>(block.first + lane) - origin, load<L>(block.end + lane) - origin};
  }

  template <bool HasBias, bool IsCut>
  void leaveOutRows(const KeySpan& tile) {
    const Index biasStride = a.rules.bias.columnStride;
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Bounds bounds = boundsOf(tile, lane);
      const float* bias[L];
      for (int r = 0; HasBias && r < L; r++) {
        bias[r] = block.rowOf(a.rules.bias, lane + r) + tile.firstKey * biasStride;
        if (biasStride == 1) fetch(bias[r] + tileKeys, tileKeys * sizeof(float));
      }
      const Index rowStride = isMaskShared() ? 0 : tileKeys;
      const signed char* const rows = mask + lane * rowStride;
      Ints<L> attended = load<L>(block.attended + lane);
      for (Index first = 0; first < tile.keys; first += L) {
        const Index count = tile.keys - first < L ? tile.keys - first : L;
        // A row a vector, then a key a vector: its bias, -infinity where masked; or, without bias, all ones where it
        // may be attended.
        Floats<L> square[L];
        _Pragma("GCC unroll 16") for (int r = 0; r < L; r++) {
          const Ints<L> may = signedBytes<L>(rows + r * rowStride + first);
          if constexpr (HasBias) {
            square[r] = biasOfKeys(bias[r] + first * biasStride, biasStride, count);
            if (tile.isMasked) square[r] = select<L>(may, square[r], splat<L>(-infinity));
          } else {
            square[r] = (Floats<L>)may;
          }
        }
        transpose<L>(square);
        const auto apply = [&](Index n) {
          float* at = scores + (first + n) * blockRows + lane;
          Ints<L> may = HasBias ? (Ints<L>)(square[n] != -infinity) : (Ints<L>)square[n];
          if constexpr (IsCut) may &= bounds.hold(first + n);
          const Floats<L> score = HasBias ? load<L>(at) + square[n] : load<L>(at);
          store<L>(at, select<L>(may, score, splat<L>(-infinity)));
          attended |= may;
        };
        if (count == L) {
          _Pragma("GCC unroll 16") for (int n = 0; n < L; n++) apply(n);
        } else {
          for (Index n = 0; n < count; n++) apply(n);
        }
      }
      store<L>(block.attended + lane, attended);
    }
  }

  static Floats<L> biasOfKeys(const float* from, Index stride, Index count) {
    if (stride == 1 && count == L) return load<L>(from);
    Floats<L> numbers{};
    for (Index n = 0; n < count; n++) numbers[n] = from[n * stride];
    return numbers;
  }
};

}  // namespace
}  // namespace headpool
