// The fused attention kernel: softmax(adjusted(q kT * scale)) v for a block of query rows, by tiles of keys with the
// online softmax of Milakov & Gimelshein (2018) as FlashAttention (Dao et al., 2022) applies it.
//
// Queries lie in the lanes: the block is transposed once to [headDim][rows], scores are kept as [keys][rows] and the
// output as [valueDim][rows]. Maximum, exponential and sum are then vertical, keys and values stay row-major, and a
// row's numbers never depend on the rows beside it.
#pragma once
#include "exp.h"
#include "row_block.h"
#include "score_terms.h"
#include "statistics.h"
#include "tile.h"
#include "transpose.h"

namespace headpool {
namespace {

template <class Target>
class FusedAttention {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;
  static constexpr int tileKeys = Target::tileKeys;
  using Tiles = KeyTiles<tileKeys, Widened<L>>;
  using Keys = KeyTile<StoredFloat32>;
  using Terms = ScoreTerms<Target>;
  using Block = RowBlock<Target>;

  const Attention& a;
  const Block block;
  const Tiles tiles;

  float* const queries;     // [headDim][blockRows]
  float* const scores;      // [tileKeys][blockRows], then probabilities
  float* const output;      // [valueDim][blockRows]
  float* const maximum;     // [blockRows]
  float* const sum;         // [blockRows]
  float* const rescale;     // [blockRows], e^(old maximum - new maximum)
  float* const gathered;    // [fields of Gathered][blockRows], where statistics were asked for
  float* const neighbours;  // [neighbourCount][blockRows]
  Terms terms;

  static constexpr Index gatheredFields = sizeof(Gathered<float>) / sizeof(float);
  static constexpr Index rowFields = 3 + gatheredFields + neighbourCount;

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return blockRows * (headDim + valueDim + tileKeys + rowFields) + Terms::spaceFloats + Block::spaceFloats +
           Tiles::spaceFloats(headDim, valueDim);
  }

  static void run(const Attention& a) {
    const Index rows = a.queries * a.group;
    for (Index row = 0; row < rows; row += blockRows) {
      FusedAttention(a, row, rows - row < blockRows ? rows - row : blockRows).runBlock();
    }
  }

 private:
  FusedAttention(const Attention& attention, Index row, Index rowCount)
      : a(attention),
        block(attention, row, rowCount, attention.scratch),
        tiles(attention, block.firstQuery(), block.lastQuery(), attention.scratch + Block::spaceFloats),
        queries(attention.scratch + Block::spaceFloats + Tiles::spaceFloats(attention.headDim, attention.valueDim)),
        scores(queries + blockRows * attention.headDim),
        output(scores + blockRows * tileKeys),
        maximum(output + blockRows * attention.valueDim),
        sum(maximum + blockRows),
        rescale(sum + blockRows),
        gathered(rescale + blockRows),
        neighbours(gathered + gatheredFields * blockRows),
        terms(block, scores, neighbours + neighbourCount * blockRows) {}

  void runBlock() {
    prepare();
    forEachTile(a.weightsExtraColumn, [this](const Keys& tile) {
      scoreTile(tile, biased);
      softmaxTile(tile);
      addValues(tile);
    });
    finish();
    if (a.weights) writeWeights();
    if (a.scores) writeScores();
  }

  /// Visits the tiles of which some row attends some key.
  template <class Visit>
  void forEachTile(Index extraColumn, Visit visit) {
    tiles.forEach(extraColumn, [=](Keys tile) {
      if (terms.attendSome(tile)) visit(tile);
    });
  }

  /// Runs `Body<Vectors>{*this, tile, lane}` over `rowCount` rows of register tiles, for all lanes.
  template <template <int> class Body>
  struct Column {
    FusedAttention& f;
    const Keys& tile;
    Index rowCount;
    template <int Vectors>
    void run(Index vector) const {
      forEachPiece<tileRows(Target::sums, Vectors)>(rowCount, Body<Vectors>{f, tile, vector * L});
    }
  };

  template <template <int> class Body>
  void forEachRegisterTile(const Keys& tile, Index rowCount) {
    forEachPiece<Target::attendVectors>(block.lanes / L, Column<Body>{*this, tile, rowCount});
  }

  // ---- pass 1: transpose the queries; a sink is there before the first key ----

  void prepare() {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const float* rowsOfLanes[L];
      for (int n = 0; n < L; n++) {
        const Index g = block.memberOf(lane + n);
        rowsOfLanes[n] = a.query + block.queryOf(lane + n) * a.queryStride + g * a.queryHeadStride;
        maximum[lane + n] = a.sinks ? a.sinks[g] : -infinity;
        sum[lane + n] = a.sinks ? 1.0f : 0.0f;
      }
      rowsIntoLanes<L>(rowsOfLanes, a.headDim, queries + lane, blockRows);
    }
    for (Index n = 0; n < a.valueDim * blockRows; n++) output[n] = 0;
    if (!a.statistics) return;
    for (Index n = 0; n < (gatheredFields + neighbourCount) * blockRows; n++) gathered[n] = 0;
  }

  // ---- pass 2: scores[j][row] = k_j . q_row * scale, then what the options make of it ----

  // Each half of the dims is summed by itself, last dim first: at 32 dims that takes a quarter off the rounding error
  // of one long sum, for 3 % of the speed. The direction changes no error on average; this one gets the outside case
  // `huge_logits` right, where two scores near 400 all but tie.
  template <int Vectors>
  struct ScoreTile {
    FusedAttention& f;
    const Keys& tile;
    Index lane;

    template <int Keys>
    [[gnu::noinline]] void run(Index j) const {
      const Index half = f.a.headDim / 2;
      float* const to = f.scores + j * blockRows + lane;
      Tile<L, Keys, Vectors> t;
      t.fill(0);
      sumDims(t, j, 0, half);
      t.write(to, blockRows);
      t.fill(0);
      sumDims(t, j, half, f.a.headDim);
      t.add(to, blockRows);
      t.scale(f.a.scale);
      t.write(to, blockRows);
    }

    template <int Keys>
    [[gnu::always_inline]] inline void sumDims(Tile<L, Keys, Vectors>& t, Index j, Index first, Index end) const {
      const Index last = end > first ? end - 1 : first;
      AlongSteps<Keys, -1> keys(tile.key + j * tile.keyStride + last, tile.keyStride);
      t.template accumulate<-blockRows>(keys, f.queries + last * blockRows + lane, end - first);
    }
  };

  void scoreTile(const Keys& tile, ScoreStage stage) {
    forEachRegisterTile<ScoreTile>(tile, tile.keys);
    terms.apply(tile, stage);
  }

  // ---- pass 3: new maxima, scores -> probabilities relative to them, new sums, the factor for what was summed ----

  void softmaxTile(const Keys& tile) {
    if (a.statistics) {
      for (Index lane = 0; lane < block.lanes; lane += L) softmaxLanes<true>(tile, lane);
      addNeighbours(tile);
    } else {
      for (Index lane = 0; lane < block.lanes; lane += L) softmaxLanes<false>(tile, lane);
    }
  }

  template <bool HasStatistics>
  void softmaxLanes(const Keys& tile, Index lane) {
    const Floats<L> before = load<L>(maximum + lane);
    Floats<L> m = before;
    // A NaN score is passed over here and stays among the scores, where it belongs.
    for (Index j = 0; j < tile.keys; j++) m = larger<L>(m, load<L>(scores + j * blockRows + lane));
    const Floats<L> base = finiteBase<L>(m);
    const Floats<L> factor = exp<L>(before - base);
    // A tile is summed by itself: the rounding error of a row's sum grows with its tiles, not with its keys.
    Floats<L> total = splat<L>(0.0f);
    Gathered<Floats<L>> tileGathered{};
    for (Index j = 0; j < tile.keys; j++) {
      float* at = scores + j * blockRows + lane;
      const Floats<L> relative = load<L>(at) - base;
      const Floats<L> p = exp<L>(relative);
      store<L>(at, p);
      total += p;
      if constexpr (HasStatistics) {
        // -infinity times a p of 0 would be NaN.
        tileGathered.logs = multiplyAdd<L>(p, larger<L>(relative, splat<L>(-88.0f)), tileGathered.logs);
        tileGathered.largest = larger<L>(tileGathered.largest, p);
        if (!tile.isExtra)
          tileGathered.distances = multiplyAdd<L>(p, block.distanceTo(tile.firstKey + j, lane), tileGathered.distances);
      }
    }
    store<L>(maximum + lane, m);
    store<L>(rescale + lane, factor);
    store<L>(sum + lane, multiplyAdd<L>(load<L>(sum + lane), factor, total));
    if constexpr (HasStatistics) {
      Gathered<Floats<L>> row = gatheredOf(lane);
      row.rescale(factor, finiteBase<L>(before) - base);
      row.keys += total;
      row.logs += tileGathered.logs;
      row.distances += tileGathered.distances;
      row.largest = larger<L>(row.largest, tileGathered.largest);
      storeGathered(lane, row);
    }
  }

  Gathered<Floats<L>> gatheredOf(Index lane) const {
    const float* at = gathered + lane;
    return {load<L>(at), load<L>(at + blockRows), load<L>(at + 2 * blockRows), load<L>(at + 3 * blockRows)};
  }

  void storeGathered(Index lane, const Gathered<Floats<L>>& row) {
    float* at = gathered + lane;
    store<L>(at, row.keys);
    store<L>(at + blockRows, row.logs);
    store<L>(at + 2 * blockRows, row.distances);
    store<L>(at + 3 * blockRows, row.largest);
  }

  void addNeighbours(const Keys& tile) {
    for (int n = 0; n < neighbourCount; n++) {
      for (Index lane = 0; lane < block.lanes; lane++) {
        float& p = neighbours[n * blockRows + lane];
        p *= rescale[lane];
        const Index j = keyOfNeighbour(n, block.position[lane]) - tile.firstKey;
        if (!tile.isExtra && j >= 0 && j < tile.keys) p += scores[j * blockRows + lane];
      }
    }
  }

  // ---- pass 4: output[d][row] = output[d][row] * rescale[row] + sum over the tile's keys of p[j][row] * v[j][d] ----

  template <int Vectors>
  struct ValueTile {
    FusedAttention& f;
    const Keys& tile;
    Index lane;

    template <int Dims>
    [[gnu::noinline]] void run(Index d) const {
      float* const to = f.output + d * blockRows + lane;
      Tile<L, Dims, Vectors> t;
      t.fill(0);
      AlongRows<Dims> values(tile.value + d, tile.valueStride);
      t.template accumulate<blockRows>(values, f.scores + lane, tile.keys);
      if (tile.isPartial && !t.isFinite()) {
        return f.addAttendedValues(tile, d, Dims, lane, Vectors);
      }
      t.addScaled(to, blockRows, f.rescale + lane);
      t.write(to, blockRows);
    }
  };

  void addValues(const Keys& tile) { forEachRegisterTile<ValueTile>(tile, a.valueDim); }

  // The slow form, for dims with NaN or infinity among their values: 0 * NaN has reached rows that leave the key out,
  // so every product is selected. The sums have the same order as in the fast form, which leaves the same where the NaN
  // is of a row's own.
  [[gnu::noinline, gnu::cold]] void addAttendedValues(const Keys& tile, Index firstDim, Index dims, Index firstLane,
                                                      Index vectors) {
    for (Index d = firstDim; d < firstDim + dims; d++) {
      for (Index lane = firstLane; lane < firstLane + vectors * L; lane += L) {
        float* at = output + d * blockRows + lane;
        Floats<L> total = splat<L>(0.0f);
        for (Index j = 0; j < tile.keys; j++) {
          const Floats<L> p = load<L>(scores + j * blockRows + lane);
          const Floats<L> v = splat<L>(tile.value[j * tile.valueStride + d]);
          total = select<L>(terms.mayAttend(tile, j, lane), multiplyAdd<L>(v, p, total), total);
        }
        store<L>(at, multiplyAdd<L>(load<L>(at), load<L>(rescale + lane), total));
      }
    }
  }

  // ---- pass 5: divide by the sums and write the rows out; a row that attended nothing is 0 ----

  void finish() {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Ints<L> hasAttended = load<L>(block.attended + lane);
      const Floats<L> share = select<L>(hasAttended, 1.0f / load<L>(sum + lane), splat<L>(0.0f));
      store<L>(rescale + lane, share);
      writeOutput(lane, a.headScale ? share * headScaleOf(lane) : share);
    }
    for (Index lane = 0; lane < block.rows; lane++) {
      const Index i = block.queryOf(lane), g = block.memberOf(lane);
      if (a.headScale && a.headScale[g] == 0) clearOutput(i, g);
      if (a.logSumExp) a.logSumExp[g * a.logSumExpHeadStride + i] = logSumExp(maximum[lane], sum[lane]);
      if (a.statistics) writeRowStatistics(lane);
    }
  }

  Floats<L> headScaleOf(Index lane) const {
    Floats<L> factors{};
    for (int n = 0; n < L; n++) factors[n] = a.headScale[block.memberOf(lane + n)];
    return factors;
  }

  void writeOutput(Index lane, Floats<L> factors) {
    float* rowsOfLanes[L];
    for (int n = 0; n < L; n++)
      rowsOfLanes[n] =
          a.output + block.queryOf(lane + n) * a.outputStride + block.memberOf(lane + n) * a.outputHeadStride;
    const Index count = block.rows - lane < L ? block.rows - lane : L;
    lanesIntoRows<L>(output + lane, blockRows, factors, rowsOfLanes, count, a.valueDim);
  }

  /// Exact zeros, where a product with 0 could be NaN.
  void clearOutput(Index i, Index g) const {
    float* to = a.output + i * a.outputStride + g * a.outputHeadStride;
    for (Index d = 0; d < a.valueDim; d++) to[d] = 0;
  }

  void writeRowStatistics(Index lane) const {
    const float* at = gathered + lane;
    const Gathered<float> row{at[0], at[blockRows], at[2 * blockRows], at[3 * blockRows]};
    writeStatistics(a.statistics + block.rowOf(lane) * rowStatistics, row, neighbours + lane, blockRows, sum[lane],
                    block.attended[lane] != 0);
  }

  // ---- pass 6, only where weights were asked for: the scores once more, now with the final maximum and sum ----

  void writeWeights() {
    if (!a.weightsAdd) fillRows(a.weights, a.weightsHeadStride, a.weightsQueryStride, 0.0f);
    forEachTile(a.weightsExtraColumn, [this](const Keys& tile) {
      scoreTile(tile, biased);
      for (Index lane = 0; lane < block.lanes; lane += L) {
        const Floats<L> base = finiteBase<L>(load<L>(maximum + lane));
        const Floats<L> share = load<L>(rescale + lane) * a.weightsShare;
        for (Index j = 0; j < tile.keys; j++) {
          float* at = scores + j * blockRows + lane;
          store<L>(at, exp<L>(load<L>(at) - base) * share);
        }
      }
      writeRows(tile, a.weights, a.weightsHeadStride, a.weightsQueryStride, a.weightsAdd);
    });
  }

  // ---- pass 7, only where scores were asked for ----

  void writeScores() {
    const auto write = [this](const Keys& tile) {
      scoreTile(tile, static_cast<ScoreStage>(a.scoresStage));
      writeRows(tile, a.scores, a.scoresHeadStride, a.scoresQueryStride, false);
    };
    if (a.scoresStage == biased) {
      fillRows(a.scores, a.scoresHeadStride, a.scoresQueryStride, -infinity);
      forEachTile(a.scoresExtraColumn, write);
    } else {
      tiles.forEachKey(a.scoresExtraColumn, write);
    }
  }

  float* rowAt(float* rows, Index lane, Index headStride, Index queryStride) const {
    return rows + block.memberOf(lane) * headStride + block.queryOf(lane) * queryStride;
  }

  void fillRows(float* rows, Index headStride, Index queryStride, float filler) const {
    for (Index lane = 0; lane < block.rows; lane++) {
      float* row = rowAt(rows, lane, headStride, queryStride);
      for (Index j = 0; j < a.keys; j++) row[j] = filler;
    }
  }

  /// The tile as it stands in `scores`, stored or added row by row.
  void writeRows(const Keys& tile, float* rows, Index headStride, Index queryStride, bool isAdded) const {
    for (Index lane = 0; lane < block.rows; lane++) {
      float* row = rowAt(rows, lane, headStride, queryStride) + tile.column;
      const float* column = scores + lane;
      if (isAdded)
        for (Index j = 0; j < tile.keys; j++) row[j] += column[j * blockRows];
      else
        for (Index j = 0; j < tile.keys; j++) row[j] = column[j * blockRows];
    }
  }
};

}  // namespace
}  // namespace headpool
