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
  float* const scores;     // [keys of a tile][blockRows]
  float* const slopes;     // [blockRows], of ALiBi
  signed char* const mask;  // [blockRows][tileKeys], of a tile: -1 = may attend, 0 = left out

 public:
  static constexpr Index spaceFloats = blockRows + blockRows * tileKeys / sizeof(float);

  ScoreTerms(const RowBlock<Target>& rowBlock, float* scoresOfTile, float* space)
      : a(rowBlock.a),
        block(rowBlock),
        scores(scoresOfTile),
        slopes(space),
        mask(reinterpret_cast<signed char*>(space + blockRows)) {
    if (!a.alibiSlopes) return;
    for (Index lane = 0; lane < block.lanes; lane++) slopes[lane] = a.alibiSlopes[block.memberOf(lane)];
  }

  /// Reads the mask of a tile, row by row as it lies; false where it leaves every key out to every row. Where it leaves
  /// none out, the tile is partial only for other reasons. To be called before `apply`.
  bool attendSome(KeyTile& tile) {
    if (!tile.isMasked) return true;
    signed char any = 0, all = -1;
    for (Index lane = 0; lane < block.lanes; lane++) {
      const unsigned char* from = maskOf(lane) + tile.firstKey * a.maskKeyStride;
      signed char* to = mask + lane * tileKeys;
      if (a.maskKeyStride == 1) {
        for (Index j = 0; j < tile.keys; j++) to[j] = from[j] ? -1 : 0;
      } else {
        for (Index j = 0; j < tile.keys; j++) to[j] = from[j * a.maskKeyStride] ? -1 : 0;
      }
      for (Index j = 0; j < tile.keys; j++) {
        any |= to[j];
        all &= to[j];
      }
    }
    tile.isMasked = !all;
    tile.isPartial = tile.isMasked || tile.isCut || a.bias;
    return any;
  }

  /// The scores, scaled, as they are after `stage`.
  void apply(const KeyTile& tile, ScoreStage stage) {
    if (stage >= softcapped && a.softcap > 0) cap(tile);
    if (stage < biased) return;
    if (a.alibiSlopes && !tile.isExtra) addDistances(tile);
    if (tile.isPartial) {
      leaveOut(tile);
    } else {
      for (Index lane = 0; lane < block.lanes; lane++) block.attended[lane] = -1;
    }
  }

  /// Whether the rows of L lanes may attend key j of the tile. Slow: for what happens rarely.
  Ints<L> mayAttend(const KeyTile& tile, Index j, Index lane) const {
    const Index key = tile.firstKey + j;
    Ints<L> may{};
    for (int n = 0; n < L; n++) {
      const bool isInBounds = key >= block.first[lane + n] && key < block.end[lane + n];
      const bool isMasked = a.mask && !maskOf(lane + n)[key * a.maskKeyStride];
      const bool isBiasedOut = a.bias && biasOf(lane + n)[key * a.biasKeyStride] == -infinity;
      may[n] = isInBounds && !isMasked && !isBiasedOut ? -1 : 0;
    }
    return may;
  }

 private:
  /// score = f(score, j, lane) for all of a tile.
  template <class F>
  void update(const KeyTile& tile, F f) {
    for (Index j = 0; j < tile.keys; j++) {
      for (Index lane = 0; lane < block.lanes; lane += L) {
        float* at = scores + j * blockRows + lane;
        store<L>(at, f(load<L>(at), j, lane));
      }
    }
  }

  void cap(const KeyTile& tile) {
    const float inverse = 1.0f / a.softcap;
    update(tile, [=](Floats<L> s, Index, Index) { return tanh<L>(s * inverse) * a.softcap; });
  }

  void addDistances(const KeyTile& tile) {
    update(tile, [&](Floats<L> s, Index j, Index lane) {
      return s - load<L>(slopes + lane) * block.distanceTo(tile.firstKey + j, lane);
    });
  }

  // ---- mask, bias and the bounds of positions ----

  const unsigned char* maskOf(Index lane) const {
    return a.mask + block.memberOf(lane) * a.maskHeadStride + block.queryOf(lane) * a.maskQueryStride;
  }
  const float* biasOf(Index lane) const {
    return a.bias + block.memberOf(lane) * a.biasHeadStride + block.queryOf(lane) * a.biasQueryStride;
  }

  void leaveOut(const KeyTile& tile) {
    if (a.bias) {
      tile.isCut ? leaveOutRows<true, true>(tile) : leaveOutRows<true, false>(tile);
    } else if (tile.isMasked) {
      tile.isCut ? leaveOutRows<false, true>(tile) : leaveOutRows<false, false>(tile);
    } else {
      leaveOutByPosition(tile);
    }
  }

  void leaveOutByPosition(const KeyTile& tile) {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Bounds bounds = boundsOf(tile, lane);
      Ints<L> attended = load<L>(block.attended + lane);
      for (Index j = 0; j < tile.keys; j++) {
        const Ints<L> may = bounds.hold(j);
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
  Bounds boundsOf(const KeyTile& tile, Index lane) const {
    const int origin = static_cast<int>(tile.firstKey);
    return {load<L>(block.first + lane) - origin, load<L>(block.end + lane) - origin};
  }

  template <bool HasBias, bool IsCut>
  void leaveOutRows(const KeyTile& tile) {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Bounds bounds = boundsOf(tile, lane);
      const float* bias[L];
      for (int r = 0; r < L; r++) bias[r] = HasBias ? biasOf(lane + r) + tile.firstKey * a.biasKeyStride : nullptr;
      Ints<L> attended = load<L>(block.attended + lane);
      for (Index first = 0; first < tile.keys; first += L) {
        const Index count = tile.keys - first < L ? tile.keys - first : L;
        // A row a vector, then a key a vector: its bias, -infinity where masked; or, without bias, all ones where it may
        // be attended.
        Floats<L> square[L];
        for (int r = 0; r < L; r++) {
          const Ints<L> may = signedBytes<L>(mask + (lane + r) * tileKeys + first);
          if constexpr (HasBias) {
            square[r] = biasOfKeys(bias[r] + first * a.biasKeyStride, count);
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

  Floats<L> biasOfKeys(const float* from, Index count) const {
    if (a.biasKeyStride == 1 && count == L) return load<L>(from);
    Floats<L> numbers{};
    for (Index n = 0; n < count; n++) numbers[n] = from[n * a.biasKeyStride];
    return numbers;
  }
};

}  // namespace
}  // namespace headpool
