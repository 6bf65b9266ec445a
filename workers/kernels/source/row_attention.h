// Attention of few query rows, as when decoding: dims in the lanes, keys and values read once, row-major as they lie.
// The same online softmax as in attention.h; sums run in another order, so the last bits differ from there.
#pragma once
#include "exp.h"
#include "key_tiles.h"
#include "statistics.h"

namespace headpool {
namespace {

template <class Target, class Stored>
class RowAttention {
  static constexpr int L = Target::lanes;
  static constexpr int tileKeys = Target::tileKeys;
  static_assert(tileKeys % L == 0, "a row of scores is made of whole vectors");
  using Tiles = KeyTiles<tileKeys, InPlace<Stored>>;

  /// What a row has gathered so far; its output lies in scratch.
  struct Row {
    float maximum = -infinity;
    float sum = 0;
    bool hasAttended = false;
    Gathered<float> gathered{};
    float neighbours[neighbourCount] = {};
  };

  const Attention& a;
  const Index rowCount;
  const Tiles tiles;
  Row rows[mostDecodingRows];
  float* const scores;    // [tileKeys] of one row, then probabilities
  float* const additive;  // [tileKeys] of one row: bias, -infinity = left out
  float* const ofTile;    // [valueDim] of one row and tile
  float* const outputs;   // [rows][valueDim]

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return 2 * tileKeys + (1 + mostDecodingRows) * valueDim + Tiles::spaceFloats(headDim, valueDim);
  }

  static void run(const Attention& a) { RowAttention(a).runRows(); }

 private:
  explicit RowAttention(const Attention& attention)
      : a(attention),
        rowCount(attention.queries * attention.group),
        tiles(attention, 0, attention.queries - 1, attention.scratch),
        scores(attention.scratch + Tiles::spaceFloats(attention.headDim, attention.valueDim)),
        additive(scores + tileKeys),
        ofTile(additive + tileKeys),
        outputs(ofTile + attention.valueDim) {}

  void runRows() {
    for (Index n = 0; n < rowCount * a.valueDim; n++) outputs[n] = 0;
    if (a.sinks) {
      for (Index r = 0; r < rowCount; r++) {
        rows[r].maximum = a.sinks[memberOf(r)];
        rows[r].sum = 1;
      }
    }
    tiles.forEach(a.weightsExtraColumn, [this](const auto& tile) {
      for (Index r = 0; r < rowCount; r++) absorb(tile, r);
    });
    for (Index r = 0; r < rowCount; r++) {
      if (a.partial) {
        writePartial(r);
      } else {
        finish(r);
      }
    }
    if (a.weights) writeWeights();
    if (a.scores) writeScores();
  }

  Index queryOf(Index r) const { return r / a.group; }
  Index memberOf(Index r) const { return r % a.group; }
  float* outputOf(Index r) const { return outputs + r * a.valueDim; }

  template <class Keys>
  void absorb(const Keys& tile, Index r) {
    score(tile, r, biased);
    const float factor = softmax(tile, r);
    addValues(tile, outputOf(r), factor);
  }

  // ---- scores[j] = k_j . q * scale and what the options make of it, -infinity behind the last key ----

  template <class Keys>
  void score(const Keys& tile, Index r, ScoreStage stage) {
    const float* q = a.query + queryOf(r) * a.queryStride + memberOf(r) * a.queryHeadStride;
    Index j = 0;
    for (; j + 4 <= tile.keys; j += 4) scoreKeys<4>(tile, j, q);
    for (; j < tile.keys; j++) scoreKeys<1>(tile, j, q);
    if (stage >= softcapped && a.softcap > 0) cap(tile);
    for (; j % L != 0; j++) scores[j] = -infinity;
    if (stage < biased) return;
    if (a.alibiSlopes && !tile.isExtra) addDistances(tile, r);
    if (tile.isPartial) {
      leaveOut(tile, r);
    } else {
      rows[r].hasAttended = true;
    }
  }

  void cap(const KeySpan& tile) {
    const float inverse = 1.0f / a.softcap;
    for (Index j = 0; j < tile.keys; j += L) store<L>(scores + j, tanh<L>(load<L>(scores + j) * inverse) * a.softcap);
  }

  void addDistances(const KeySpan& tile, Index r) {
    const float slope = a.alibiSlopes[memberOf(r)];
    for (Index j = 0; j < tile.keys; j += L)
      store<L>(scores + j, load<L>(scores + j) - slope * distanceTo(tile.firstKey + j, r));
  }

  /// |position of row r - j| for L keys from `key` on.
  Floats<L> distanceTo(Index key, Index r) const {
    Ints<L> distance{};
    for (int n = 0; n < L; n++) distance[n] = n;
    distance += static_cast<int>(key - queryOf(r) - a.position);
    return __builtin_convertvector(distance < 0 ? -distance : distance, Floats<L>);
  }

  template <int Count, class Keys>
  void scoreKeys(const Keys& tile, Index j, const float* q) {
    using S = typename Keys::Stored;
    const auto* key = tile.key + j * tile.keyStride;
    Floats<L> sums[Count] = {};
    Index d = 0;
    for (; d + L <= a.headDim; d += L) {
      const Floats<L> lanes = load<L>(q + d);
      for (int n = 0; n < Count; n++)
        sums[n] = multiplyAdd<L>(lanes, S::template read<L>(key + n * tile.keyStride + d), sums[n]);
    }
    for (int n = 0; n < Count; n++) {
      float rest = 0;
      for (Index e = d; e < a.headDim; e++) rest += q[e] * S::template readOne<L>(key + n * tile.keyStride + e);
      scores[j + n] = (sumLanes<L>(sums[n]) + rest) * a.scale;
    }
  }

  void leaveOut(const KeySpan& tile, Index r) {
    const Index i = queryOf(r), g = memberOf(r);
    const KeyRange range = keysOf(a, i);
    const float* bias = a.bias ? a.bias + g * a.biasHeadStride + i * a.biasQueryStride : nullptr;
    const unsigned char* mask = a.mask ? a.mask + g * a.maskHeadStride + i * a.maskQueryStride : nullptr;
    for (Index j = 0; j < tile.keys; j++) {
      const Index key = tile.firstKey + j;
      const bool mayAttend = key >= range.first && key < range.end && (!mask || mask[key * a.maskKeyStride]);
      additive[j] = !mayAttend ? -infinity : bias ? bias[key * a.biasKeyStride] : 0.0f;
      if (isLeftOut(j)) {
        scores[j] = -infinity;
      } else {
        scores[j] += additive[j];
        rows[r].hasAttended = true;
      }
    }
  }

  bool isLeftOut(Index j) const { return additive[j] == -infinity; }

  // ---- scores -> probabilities; returns the factor for what was summed so far ----

  float softmax(const KeySpan& tile, Index r) {
    Row& row = rows[r];
    Floats<L> most = splat<L>(row.maximum);
    // A NaN score is passed over here and stays among the scores, where it belongs.
    for (Index j = 0; j < tile.keys; j += L) most = larger<L>(most, load<L>(scores + j));
    float maximum = row.maximum;
    for (int lane = 0; lane < L; lane++) maximum = maximum < most[lane] ? most[lane] : maximum;
    const float base = finiteBase(maximum);
    const float factor = expOne<L>(row.maximum - base);
    Floats<L> total = splat<L>(0.0f);
    if (a.statistics) {
      row.gathered.rescale(factor, finiteBase(row.maximum) - base);
      total = gatherStatistics(tile, r, base);
    } else {
      for (Index j = 0; j < tile.keys; j += L) total += exponentiate(j, base);
    }
    row.maximum = maximum;
    row.sum = row.sum * factor + sumLanes<L>(total);
    if (a.statistics) addNeighbours(tile, r, factor);
    return factor;
  }

  /// The scores of L keys from j on become probabilities.
  Floats<L> exponentiate(Index j, float base) {
    const Floats<L> p = exp<L>(load<L>(scores + j) - base);
    store<L>(scores + j, p);
    return p;
  }

  Floats<L> gatherStatistics(const KeySpan& tile, Index r, float base) {
    Gathered<Floats<L>> gathered{};
    for (Index j = 0; j < tile.keys; j += L) {
      // -infinity times a p of 0 would be NaN.
      const Floats<L> relative = larger<L>(load<L>(scores + j) - base, splat<L>(-88.0f));
      const Floats<L> p = exponentiate(j, base);
      gathered.keys += p;
      gathered.logs = multiplyAdd<L>(p, relative, gathered.logs);
      gathered.largest = larger<L>(gathered.largest, p);
      if (!tile.isExtra) gathered.distances = multiplyAdd<L>(p, distanceTo(tile.firstKey + j, r), gathered.distances);
    }
    Gathered<float>& row = rows[r].gathered;
    row.keys += sumLanes<L>(gathered.keys);
    row.logs += sumLanes<L>(gathered.logs);
    row.distances += sumLanes<L>(gathered.distances);
    for (int lane = 0; lane < L; lane++)
      row.largest = row.largest < gathered.largest[lane] ? gathered.largest[lane] : row.largest;
    return gathered.keys;
  }

  void addNeighbours(const KeySpan& tile, Index r, float factor) {
    for (int n = 0; n < neighbourCount; n++) {
      float& p = rows[r].neighbours[n];
      p *= factor;
      const Index j = keyOfNeighbour(n, queryOf(r) + a.position) - tile.firstKey;
      if (!tile.isExtra && j >= 0 && j < tile.keys) p += scores[j];
    }
  }

  // ---- output = output * factor + sum over the tile's keys of p[j] * v[j] ----

  // A tile is summed by itself: the rounding error of a row's sum grows with its tiles, not with its keys.
  template <class Keys>
  void addValues(const Keys& tile, float* output, float factor) {
    for (Index d = 0; d < a.valueDim; d++) ofTile[d] = 0;
    if (tile.isPartial) {
      // 0 * NaN would bring in a value that the row leaves out.
      for (Index j = 0; j < tile.keys; j++)
        if (!isLeftOut(j)) gather<1>(tile, j);
    } else {
      Index j = 0;
      for (; j + 4 <= tile.keys; j += 4) gather<4>(tile, j);
      for (; j < tile.keys; j++) gather<1>(tile, j);
    }
    for (Index d = 0; d < a.valueDim; d++) output[d] = output[d] * factor + ofTile[d];
  }

  template <int Count, class Keys>
  void gather(const Keys& tile, Index j) {
    using S = typename Keys::Stored;
    const float* p = scores + j;
    const auto* value = tile.value + j * tile.valueStride;
    const Index stride = tile.valueStride;
    Index d = 0;
    for (; d + L <= a.valueDim; d += L) {
      Floats<L> total = load<L>(ofTile + d);
      for (int n = 0; n < Count; n++)
        total = multiplyAdd<L>(splat<L>(p[n]), S::template read<L>(value + n * stride + d), total);
      store<L>(ofTile + d, total);
    }
    for (; d < a.valueDim; d++)
      for (int n = 0; n < Count; n++) ofTile[d] += p[n] * S::template readOne<L>(value + n * stride + d);
  }

  // ---- results ----

  float shareOf(const Row& row) const { return row.hasAttended ? 1.0f / row.sum : 0.0f; }

  void finish(Index r) {
    const Row& row = rows[r];
    const float* output = outputOf(r);
    const float share = shareOf(row);
    const float headScale = a.headScale ? a.headScale[memberOf(r)] : 1.0f;
    const bool isZero = !row.hasAttended || headScale == 0;
    float* to = a.output + queryOf(r) * a.outputStride + memberOf(r) * a.outputHeadStride;
    for (Index d = 0; d < a.valueDim; d++) to[d] = isZero ? 0.0f : output[d] * (share * headScale);
    if (a.logSumExp) a.logSumExp[memberOf(r) * a.logSumExpHeadStride + queryOf(r)] = logSumExp(row.maximum, row.sum);
    if (a.statistics)
      writeStatistics(a.statistics + r * rowStatistics, row.gathered, row.neighbours, 1, row.sum, row.hasAttended);
  }

  void writePartial(Index r) {
    const Row& row = rows[r];
    float* to = a.partial + r * partialFloats(a.valueDim);
    for (Index d = 0; d < a.valueDim; d++) to[d] = outputOf(r)[d];
    to[a.valueDim] = row.maximum;
    to[a.valueDim + 1] = row.sum;
    to[a.valueDim + 2] = row.hasAttended ? 1.0f : 0.0f;
  }

  // The scores once more, now with the final maximum and sum.
  void writeWeights() {
    for (Index r = 0; r < rowCount; r++) {
      float* row = a.weights + memberOf(r) * a.weightsHeadStride + queryOf(r) * a.weightsQueryStride;
      if (!a.weightsAdd)
        for (Index j = 0; j < a.keys; j++) row[j] = 0;
      tiles.forEach(a.weightsExtraColumn, [=](const auto& tile) { writeTileWeights(tile, r, row + tile.column); });
    }
  }

  template <class Keys>
  void writeTileWeights(const Keys& tile, Index r, float* to) {
    score(tile, r, biased);
    const float base = finiteBase(rows[r].maximum);
    const float share = shareOf(rows[r]) * a.weightsShare;
    for (Index j = 0; j < tile.keys; j += L) store<L>(scores + j, exp<L>(load<L>(scores + j) - base) * share);
    for (Index j = 0; j < tile.keys; j++) to[j] = a.weightsAdd ? to[j] + scores[j] : scores[j];
  }

  void writeScores() {
    const ScoreStage stage = static_cast<ScoreStage>(a.scoresStage);
    for (Index r = 0; r < rowCount; r++) {
      float* row = a.scores + memberOf(r) * a.scoresHeadStride + queryOf(r) * a.scoresQueryStride;
      const auto write = [=](const auto& tile) {
        score(tile, r, stage);
        for (Index j = 0; j < tile.keys; j++) row[tile.column + j] = scores[j];
      };
      if (stage == biased) {
        for (Index j = 0; j < a.keys; j++) row[j] = -infinity;
        tiles.forEach(a.scoresExtraColumn, write);
      } else {
        tiles.forEachKey(a.scoresExtraColumn, write);
      }
    }
  }
};

/// Partial results of one row over several ranges of keys, put together in their order.
template <class Target>
class MergePartials {
  static constexpr int L = Target::lanes;

 public:
  static void run(const Merge& m) {
    for (Index r = 0; r < m.rows; r++) mergeRow(m, r);
  }

 private:
  static void mergeRow(const Merge& m, Index r) {
    const Index stride = partialFloats(m.valueDim);
    const float* first = m.partial + r * stride;
    float maximum = -infinity;
    bool hasAttended = false;
    for (Index c = 0; c < m.ranges; c++) {
      const float* part = first + c * m.rangeStride + m.valueDim;
      maximum = maximum < part[0] ? part[0] : maximum;
      hasAttended = hasAttended || part[2] != 0;
    }
    const Index i = r / m.group, g = r % m.group;
    float* to = m.output + i * m.outputStride + g * m.outputHeadStride;
    const float base = finiteBase(maximum);
    float sum = 0;
    for (Index d = 0; d < m.valueDim; d++) to[d] = 0;
    // A range that attended nothing has a sum of its sink alone, or of nothing.
    for (Index c = 0; c < m.ranges; c++) {
      const float* part = first + c * m.rangeStride;
      const float factor = expOne<L>(part[m.valueDim] - base);
      sum += part[m.valueDim + 1] * factor;
      for (Index d = 0; d < m.valueDim; d++) to[d] += part[d] * factor;
    }
    const float headScale = m.headScale ? m.headScale[g] : 1.0f;
    const bool isZero = !hasAttended || headScale == 0;
    for (Index d = 0; d < m.valueDim; d++) to[d] = isZero ? 0.0f : to[d] * (1.0f / sum * headScale);
    if (m.logSumExp) m.logSumExp[g * m.logSumExpHeadStride + i] = logSumExp(maximum, sum);
  }
};

}  // namespace
}  // namespace headpool
