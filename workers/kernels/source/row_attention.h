// Attention of few query rows, as when decoding: dims in the lanes, keys and values read once, row-major as they lie.
// The same online softmax as in attention.h; sums run in another order, so the last bits differ from there.
#pragma once
#include "results.h"
#include "row_terms.h"

namespace headpool {
namespace {

template <class Target, class Stored>
class RowAttention {
  static constexpr int L = Target::lanes;
  static constexpr int tileKeys = Target::tileKeys;
  static_assert(tileKeys % L == 0, "a row of scores is made of whole vectors");
  using Tiles = KeyTiles<tileKeys, InPlace<Stored>>;
  using Terms = RowTerms<Target>;

  /// One query of one member of the group, and what it has gathered so far.
  struct Row {
    Index i = 0;
    Index g = 0;
    float* output = nullptr;  // [valueDim], in scratch
    RowSums sums{};
    Gathered<float> gathered{};
    float neighbours[neighbourCount] = {};
  };

  const Attention& a;
  const Index rowCount;
  const Tiles tiles;
  Row rows[mostDecodingRows];
  float* const scores;  // [tileKeys] of one row, then probabilities
  Terms terms;
  float* const ofTile;   // [valueDim] of one row and tile
  float* const outputs;  // [rows][valueDim]

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return tileKeys + Terms::spaceFloats + (1 + mostDecodingRows) * valueDim + Tiles::spaceFloats(headDim, valueDim);
  }

  static void run(const Attention& a) { RowAttention(a).runRows(); }

  template <class Visit>
  void forEachTile(const Columns& columns, Visit visit) const {
    tiles.forEach(columns.extraColumn, visit);
  }
  template <class Visit>
  void forEachKey(const Columns& columns, Visit visit) const {
    tiles.forEachKey(columns.extraColumn, visit);
  }

  void fillColumns(const Columns& to, float number) {
    forEachRow([&](const Row& row) { fill(to.row(row.g, row.i), a.keys, number); });
  }

  template <class Keys>
  void writeWeights(const Keys& tile) {
    forEachRow([&](Row& row) {
      weighTile(tile, row, a.weights.share);
      writeColumns<1>(tile, a.weights.row(row.g, row.i), scores, a.weights.isAdded);
    });
  }

  template <class Keys>
  void writeScores(const Keys& tile, ScoreStage stage) {
    forEachRow([&](Row& row) {
      score(tile, row, stage);
      writeColumns<1>(tile, a.scores.row(row.g, row.i), scores, false);
    });
  }

 private:
  explicit RowAttention(const Attention& attention)
      : a(attention),
        rowCount(attention.queries * attention.group),
        tiles(attention, 0, attention.queries - 1, attention.scratch),
        scores(attention.scratch + Tiles::spaceFloats(attention.headDim, attention.valueDim)),
        terms(attention, scores, scores + tileKeys),
        ofTile(scores + tileKeys + Terms::spaceFloats),
        outputs(ofTile + attention.valueDim) {}

  void runRows() {
    fill(outputs, rowCount * a.valueDim, 0);
    for (Index r = 0; r < rowCount; r++) {
      Row& row = rows[r];
      row.i = r / a.group;
      row.g = r % a.group;
      row.output = outputs + r * a.valueDim;
      if (a.rules.sinks) row.sums = {a.rules.sinks.at(row.g), 1, false};
    }
    forEachTile(a.weights, [this](const auto& tile) {
      forEachRow([&](Row& row) {
        score(tile, row, biased);
        const float factor = a.statistics ? softmax<true>(tile, row) : softmax<false>(tile, row);
        addValues(tile, row.output, factor);
      });
    });
    bool areAllFinite = true;
    forEachRow([&](const Row& row) {
      a.partial ? writePartial(row) : finish(row);
      areAllFinite &= areFinite(row.output, a.valueDim);
    });
    if (!areAllFinite) averageValues();
    writeWeightsAndScores(a, *this);
  }

  // The values once more, with probabilities divided before they multiply, as attention.h has it.
  [[gnu::noinline, gnu::cold]] void averageValues() {
    fill(outputs, rowCount * a.valueDim, 0);
    forEachTile(a.weights, [this](const auto& tile) {
      forEachRow([&](Row& row) {
        weighTile(tile, row, 1);
        addValues(tile, row.output, 1);
      });
    });
    forEachRow([this](const Row& row) {
      if (a.partial)
        writePartialMeans(row);
      else
        rewriteRow(a, row.g, row.i, [&](Index d) { return row.output[d]; });
    });
  }

  template <class Visit>
  void forEachRow(Visit visit) {
    for (Index r = 0; r < rowCount; r++) visit(rows[r]);
  }

  // ---- scores[j] = k_j . q * scale and what the rules make of it, -infinity behind the last key ----

  template <class Keys>
  void score(const Keys& tile, Row& row, ScoreStage stage) {
    const float* q = a.query.row(row.g, row.i);
    Index j = 0;
    for (; j + 4 <= tile.keys; j += 4) scoreKeys<4>(tile, j, q);
    for (; j < tile.keys; j++) scoreKeys<1>(tile, j, q);
    if (terms.apply(tile, row.g, row.i, stage)) row.sums.hasAttended = true;
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
      scores[j + n] = (sumLanes<L>(sums[n]) + rest) * a.rules.scale;
    }
  }

  // ---- scores -> probabilities; returns the factor for what was summed so far ----

  template <bool HasStatistics>
  float softmax(const KeySpan& tile, Row& row) {
    RowSums& sums = row.sums;
    const Floats<L> most = largestOf<L, L>(scores, vectorsOf(tile), splat<L>(sums.maximum));
    const float before = sums.maximum;
    for (int lane = 0; lane < L; lane++) sums.maximum = sums.maximum < most[lane] ? most[lane] : sums.maximum;
    const float base = finiteBase(sums.maximum);
    const float factor = expOne<L>(before - base);
    const auto distanceOf = [&](Index n) {
      return tile.isExtra ? Floats<L>{} : terms.distanceTo(tile.firstKey + n * L, row.i);
    };
    const auto ofTile = exponentiate<L, L, HasStatistics>(scores, vectorsOf(tile), splat<L>(base), distanceOf);
    sums.sum = sums.sum * factor + sumLanes<L>(ofTile.keys);
    if constexpr (HasStatistics) {
      Gathered<float>& gathered = row.gathered;
      gathered.rescale(factor, finiteBase(before) - base);
      gathered.keys += sumLanes<L>(ofTile.keys);
      gathered.logs += sumLanes<L>(ofTile.logs);
      gathered.distances += sumLanes<L>(ofTile.distances);
      for (int lane = 0; lane < L; lane++)
        gathered.largest = gathered.largest < ofTile.largest[lane] ? ofTile.largest[lane] : gathered.largest;
      addNeighbours<1>(tile, row.i + a.position, factor, scores, row.neighbours);
    }
    return factor;
  }

  /// Weights of the keys of a tile, once all tiles are summed up.
  template <class Keys>
  void weighTile(const Keys& tile, Row& row, float share) {
    score(tile, row, biased);
    const Floats<L> base = splat<L>(finiteBase(row.sums.maximum));
    weigh<L, L>(scores, vectorsOf(tile), base, splat<L>(row.sums.share() * share));
  }

  static Index vectorsOf(const KeySpan& tile) { return (tile.keys + L - 1) / L; }

  // ---- output = output * factor + sum over the tile's keys of p[j] * v[j] ----

  // A tile is summed by itself: the rounding error of a row's sum grows with its tiles, not with its keys.
  template <class Keys>
  void addValues(const Keys& tile, float* output, float factor) {
    fill(ofTile, a.valueDim, 0);
    if (tile.isPartial) {
      // 0 * NaN would bring in a value that the row leaves out.
      for (Index j = 0; j < tile.keys; j++)
        if (!terms.isLeftOut(j)) gather<1>(tile, j);
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

  void finish(const Row& row) const {
    writeRow(a, row.g, row.i, row.output, row.sums);
    if (a.statistics) writeStatistics<1>(a.statistics.row(row.g, row.i), row.sums, row.gathered, row.neighbours);
  }

  void writePartial(const Row& row) const {
    float* to = a.partial.row(row.g, row.i);
    for (Index d = 0; d < a.valueDim; d++) to[d] = row.output[d];
    to[a.valueDim] = row.sums.maximum;
    to[a.valueDim + 1] = row.sums.sum;
    to[a.valueDim + 2] = row.sums.hasAttended ? 1.0f : 0.0f;
  }

  void writePartialMeans(const Row& row) const {
    float* to = a.partial.row(row.g, row.i) + meansOfPartial(a.valueDim);
    for (Index d = 0; d < a.valueDim; d++) to[d] = row.output[d];
  }
};

}  // namespace
}  // namespace headpool
