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

  const Attention& a;
  const RowBlock<Target>& block;
  float* const scores;  // [keys of a tile][blockRows]
  float* const slopes;  // [blockRows], of ALiBi

 public:
  static constexpr Index spaceFloats = blockRows;

  ScoreTerms(const RowBlock<Target>& rowBlock, float* scoresOfTile, float* space)
      : a(rowBlock.a), block(rowBlock), scores(scoresOfTile), slopes(space) {
    if (!a.alibiSlopes) return;
    for (Index lane = 0; lane < block.lanes; lane++) slopes[lane] = a.alibiSlopes[block.memberOf(lane)];
  }

  /// Whether no row of the block may attend any key of the tile, as far as the mask tells.
  bool attendNone(const KeyTile& tile) const {
    if (!a.mask || tile.isExtra) return false;
    for (Index lane = 0; lane < block.rows; lane++) {
      const unsigned char* mask = maskOf(lane) + tile.firstKey * a.maskKeyStride;
      unsigned char any = 0;
      for (Index j = 0; j < tile.keys; j++) any |= mask[j * a.maskKeyStride];
      if (any) return false;
    }
    return true;
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
    for (Index lane = 0; lane < block.lanes; lane += L) {
      Ints<L> attended = load<L>(block.attended + lane);
      if (a.mask || a.bias) {
        attended |= leaveOutMasked(tile, lane);
      } else {
        for (Index j = 0; j < tile.keys; j++) attended |= keep(tile, j, lane, splat<L>(0.0f));
      }
      store<L>(block.attended + lane, attended);
    }
  }

  /// Adds to the scores of key j what is not -infinity and in bounds; returns for which rows it was.
  [[gnu::always_inline]] inline Ints<L> keep(const KeyTile& tile, Index j, Index lane, Floats<L> additive) {
    const Ints<L> key = Ints<L>{} + static_cast<int>(tile.firstKey + j);
    const Ints<L> may = (key >= load<L>(block.first + lane)) & (key < load<L>(block.end + lane)) &
                        (Ints<L>)(additive != -infinity);
    float* at = scores + j * blockRows + lane;
    store<L>(at, select<L>(may, load<L>(at) + additive, splat<L>(-infinity)));
    return may;
  }

  Ints<L> leaveOutMasked(const KeyTile& tile, Index lane) {
    const float* bias[L];
    const unsigned char* mask[L];
    for (int r = 0; r < L; r++) {
      bias[r] = a.bias ? biasOf(lane + r) + tile.firstKey * a.biasKeyStride : nullptr;
      mask[r] = a.mask ? maskOf(lane + r) + tile.firstKey * a.maskKeyStride : nullptr;
    }
    Ints<L> attended{};
    for (Index j = 0; j < tile.keys; j += L) {
      const Index count = tile.keys - j < L ? tile.keys - j : L;
      Floats<L> additive[L];  // of a row a vector, then of a key
      for (int r = 0; r < L; r++) {
        additive[r] = a.bias ? biasOfKeys(bias[r] + j * a.biasKeyStride, count) : splat<L>(0.0f);
        if (a.mask) {
          const Ints<L> may = maskOfKeys(mask[r] + j * a.maskKeyStride, count);
          additive[r] = select<L>(may, additive[r], splat<L>(-infinity));
        }
      }
      transpose<L>(additive);
      for (Index n = 0; n < count; n++) attended |= keep(tile, j + n, lane, additive[n]);
    }
    return attended;
  }

  Floats<L> biasOfKeys(const float* from, Index count) const {
    if (a.biasKeyStride == 1 && count == L) return load<L>(from);
    Floats<L> numbers{};
    for (Index n = 0; n < count; n++) numbers[n] = from[n * a.biasKeyStride];
    return numbers;
  }

  Ints<L> maskOfKeys(const unsigned char* from, Index count) const {
    typename Simd<L>::Bytes bytes{};
    if (a.maskKeyStride == 1 && count == L) {
      __builtin_memcpy(&bytes, from, L);
    } else {
      for (Index n = 0; n < count; n++) bytes[n] = from[n * a.maskKeyStride];
    }
    return __builtin_convertvector(bytes, Ints<L>) != 0;
  }
};

}  // namespace
}  // namespace headpool
