// The online softmax of a block of rows: pass 3 of attention.h, and the statistics that it gathers on the way.
#pragma once
#include "results.h"
#include "row_block.h"

namespace headpool {
namespace {

template <class Target>
class BlockSoftmax {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;

  const Attention& a;
  const RowBlock<Target>& block;
  float* const scores;      // [tileKeys][blockRows], then p
  float* const maximum;     // [blockRows]
  float* const sum;         // [blockRows]
  float* const factor;      // [blockRows], e^(old maximum - new maximum)
  float* const gathered;    // [fields of Gathered][blockRows], where statistics were asked for
  float* const neighbours;  // [neighbourCount][blockRows]

 public:
  static constexpr Index spaceFloats = (3 + gatheredFields + neighbourCount) * blockRows;

  BlockSoftmax(const RowBlock<Target>& rowBlock, float* scoresOfTile, float* space)
      : a(rowBlock.a),
        block(rowBlock),
        scores(scoresOfTile),
        maximum(space),
        sum(maximum + blockRows),
        factor(sum + blockRows),
        gathered(factor + blockRows),
        neighbours(gathered + gatheredFields * blockRows) {
    // A sink is there before the first key.
    for (Index lane = 0; lane < block.lanes; lane++) {
      maximum[lane] = a.rules.sinks ? a.rules.sinks.at(block.memberOf(lane)) : -infinity;
      sum[lane] = a.rules.sinks ? 1.0f : 0.0f;
    }
    if (a.statistics) fill(gathered, (gatheredFields + neighbourCount) * blockRows, 0);
  }

  /// New maxima, scores -> p relative to them, new sums, the factor for what was summed.
  void absorb(const KeySpan& tile) {
    if (a.statistics) {
      for (Index lane = 0; lane < block.lanes; lane += L) absorbLanes<true>(tile, lane);
      for (Index lane = 0; lane < block.lanes; lane++)
        addNeighbours<blockRows>(tile, block.position[lane], factor[lane], scores + lane, neighbours + lane);
    } else {
      for (Index lane = 0; lane < block.lanes; lane += L) absorbLanes<false>(tile, lane);
    }
  }

  /// What multiplies the sums of values before the tile absorbed last; [blockRows].
  const float* factors() const { return factor; }

  /// Sums of values stay as they are from here on.
  void rescaleNoMore() { fill(factor, blockRows, 1); }

  /// The scores of a tile -> weights, once all are absorbed.
  void weigh(const KeySpan& tile, float share) const {
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Floats<L> base = finiteBase<L>(load<L>(maximum + lane));
      headpool::weigh<L, blockRows>(scores + lane, tile.keys, base, shareOf(lane) * share);
    }
  }

  /// What makes probabilities of p, of L rows.
  Floats<L> shareOf(Index lane) const {
    return select<L>(load<L>(block.attended + lane), 1.0f / load<L>(sum + lane), splat<L>(0.0f));
  }

  RowSums sumsOf(Index lane) const { return {maximum[lane], sum[lane], block.attended[lane] != 0}; }

  void writeStatisticsOf(Index lane) const {
    const float* at = gathered + lane;
    const Gathered<float> row{at[0], at[blockRows], at[2 * blockRows], at[3 * blockRows]};
    float* const to = block.rowOf(a.statistics, lane);
    writeStatistics<blockRows>(to, sumsOf(lane), row, neighbours + lane);
  }

 private:
  template <bool HasStatistics>
  void absorbLanes(const KeySpan& tile, Index lane) {
    const Floats<L> before = load<L>(maximum + lane);
    const Floats<L> most = largestOf<L, blockRows>(scores + lane, tile.keys, before);
    const Floats<L> base = finiteBase<L>(most);
    const Floats<L> shrunk = exp<L>(before - base);
    // A tile is summed by itself: the rounding error of a row's sum grows with its tiles, not with its keys.
    const auto ofTile = exponentiate<L, blockRows, HasStatistics>(scores + lane, tile.keys, base, [&](Index j) {
      return tile.isExtra ? Floats<L>{} : block.distanceTo(tile.firstKey + j, lane);
    });
    store<L>(maximum + lane, most);
    store<L>(factor + lane, shrunk);
    store<L>(sum + lane, multiplyAdd<L>(load<L>(sum + lane), shrunk, ofTile.keys));
    if constexpr (HasStatistics) {
      Gathered<Floats<L>> row = gatheredOf(lane);
      row.rescale(shrunk, finiteBase<L>(before) - base);
      row.keys += ofTile.keys;
      row.logs += ofTile.logs;
      row.distances += ofTile.distances;
      row.largest = larger<L>(row.largest, ofTile.largest);
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
};

}  // namespace
}  // namespace headpool
