// The fused attention kernel: softmax(adjusted(q kT * scale)) v for a block of query rows, by tiles of keys with the
// online softmax of Milakov & Gimelshein (2018) as FlashAttention (Dao et al., 2022) applies it.
//
// Queries lie in the lanes: the block is transposed once to [headDim][rows], scores are kept as [keys][rows] and the
// output as [valueDim][rows]. Maximum, exponential and sum are then vertical, keys and values stay row-major, and a
// row's numbers never depend on the rows beside it.
//
// Here are the drive and the passes over keys and values (1, 2, 4); block_softmax.h has pass 3, block_results.h what is
// written (5 to 7).
#pragma once
#include "block_results.h"
#include "score_terms.h"
#include "tile.h"

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
  using Softmax = BlockSoftmax<Target>;

  const Attention& a;
  const Block block;
  const Tiles tiles;

  float* const queries;  // [headDim][blockRows]
  float* const scores;   // [tileKeys][blockRows], then probabilities
  float* const output;   // [valueDim][blockRows]
  Terms terms;
  Softmax softmax;
  const BlockResults<Target> results;

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return blockRows * (headDim + valueDim + tileKeys) + Softmax::spaceFloats + Terms::spaceFloats +
           Block::spaceFloats + Tiles::spaceFloats(headDim, valueDim);
  }

  static void run(const Attention& a) {
    const Index rows = a.queries * a.group;
    for (Index row = 0; row < rows; row += blockRows) {
      FusedAttention(a, row, rows - row < blockRows ? rows - row : blockRows).runBlock();
    }
  }

  // ---- what passes 6 and 7 are made of: the scores once more, as weights with the final maximum and sum, or as such
  // ----

  /// Visits the tiles of which some row attends some key.
  template <class Visit>
  void forEachTile(const Columns& columns, Visit visit) {
    tiles.forEach(columns.extraColumn, [=](Keys tile) {
      if (terms.attendSome(tile)) visit(tile);
    });
  }

  /// Visits all tiles.
  template <class Visit>
  void forEachKey(const Columns& columns, Visit visit) const {
    tiles.forEachKey(columns.extraColumn, visit);
  }

  void fillColumns(const Columns& to, float number) const { results.fillColumns(to, number); }

  void writeWeights(const Keys& tile) {
    scoreTile(tile, biased);
    softmax.weigh(tile, a.weights.share);
    results.write(tile, a.weights, a.weights.isAdded);
  }

  void writeScores(const Keys& tile, ScoreStage stage) {
    scoreTile(tile, stage);
    results.write(tile, a.scores, false);
  }

 private:
  FusedAttention(const Attention& attention, Index row, Index rowCount)
      : a(attention),
        block(attention, row, rowCount, attention.scratch),
        tiles(attention, block.firstQuery(), block.lastQuery(), attention.scratch + Block::spaceFloats),
        queries(attention.scratch + Block::spaceFloats + Tiles::spaceFloats(attention.headDim, attention.valueDim)),
        scores(queries + blockRows * attention.headDim),
        output(scores + blockRows * tileKeys),
        terms(block, scores, output + blockRows * attention.valueDim + Softmax::spaceFloats),
        softmax(block, scores, output + blockRows * attention.valueDim),
        results(block, softmax, scores) {}

  void runBlock() {
    prepare();
    forEachTile(a.weights, [this](const Keys& tile) {
      scoreTile(tile, biased);
      softmax.absorb(tile);
      addValues(tile);
    });
    if (!results.writeRows(output)) averageValues();
    writeWeightsAndScores(a, *this);
  }

  // Passes 2 and 4 once more, where sums of values overflowed or values are infinite or NaN themselves: this time the
  // probabilities are divided before they multiply, and no sum grows larger than the values are.
  [[gnu::noinline, gnu::cold]] void averageValues() {
    softmax.rescaleNoMore();
    fill(output, a.valueDim * blockRows, 0);
    forEachTile(a.weights, [this](const Keys& tile) {
      scoreTile(tile, biased);
      softmax.weigh(tile, 1);
      addValues(tile);
    });
    results.rewriteRows(output);
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

  // ---- pass 1: transpose the queries ----

  void prepare() {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const float* rows[L];
      for (int n = 0; n < L; n++) rows[n] = block.rowOf(a.query, lane + n);
      rowsIntoLanes<L>(rows, a.headDim, queries + lane, blockRows);
    }
    fill(output, a.valueDim * blockRows, 0);
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
      t.scale(f.a.rules.scale);
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

  // ---- pass 4: output[d][row] = output[d][row] * factor[row] + sum over the tile's keys of p[j][row] * v[j][d] ----

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
      t.addScaled(to, blockRows, f.softmax.factors() + lane);
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
        store<L>(at, multiplyAdd<L>(load<L>(at), load<L>(softmax.factors() + lane), total));
      }
    }
  }
};

}  // namespace
}  // namespace headpool
