// The results of a block of rows: passes 5 to 7 of attention.h.
#pragma once
#include "block_softmax.h"
#include "transpose.h"

namespace headpool {
namespace {

template <class Target>
class BlockResults {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;

  const Attention& a;
  const RowBlock<Target>& block;
  const BlockSoftmax<Target>& softmax;
  const float* const scores;  // [tileKeys][blockRows]

 public:
  BlockResults(const RowBlock<Target>& rowBlock, const BlockSoftmax<Target>& softmaxOfBlock, const float* scoresOfTile)
      : a(rowBlock.a), block(rowBlock), softmax(softmaxOfBlock), scores(scoresOfTile) {}

  // ---- pass 5: divide by the sums and write the rows out; a row that attended nothing is 0 ----

  /// Returns whether all sums are finite.
  /// @param output [valueDim][blockRows]
  bool writeRows(const float* output) const {
    Ints<L> bits{};
    for (Index lane = 0; lane < block.lanes; lane += L) {
      const Floats<L> share = softmax.shareOf(lane);
      bits |= writeOutput(output + lane, lane, a.headScale ? share * headScaleOf(lane) : share);
    }
    for (Index lane = 0; lane < block.rows; lane++) {
      const Index g = block.memberOf(lane), i = block.queryOf(lane);
      // Exact zeros, where a product with 0 could be NaN.
      if (a.headScale && a.headScale.at(g) == 0) fill(a.output.row(g, i), a.valueDim, 0);
      writeLogSumExp(a, g, i, softmax.sumsOf(lane));
      if (a.statistics) softmax.writeStatisticsOf(lane);
    }
    int any = 0;
    for (int n = 0; n < L; n++) any |= bits[n];
    return any == 0;
  }

  /// Replaces what is not finite of the rows.
  /// @param means [valueDim][blockRows]
  void rewriteRows(const float* means) const {
    for (Index lane = 0; lane < block.rows; lane++)
      rewriteRow(a, block.memberOf(lane), block.queryOf(lane), [=](Index d) { return means[d * blockRows + lane]; });
  }

  // ---- passes 6 and 7: a tile as it stands in `scores`, stored or added row by row ----

  void write(const KeySpan& tile, const Columns& to, bool isAdded) const {
    for (Index lane = 0; lane < block.rows; lane++)
      writeColumns<blockRows>(tile, block.rowOf(to, lane), scores + lane, isAdded);
  }

  /// What stands for keys of tiles that are not visited.
  void fillColumns(const Columns& to, float number) const {
    for (Index lane = 0; lane < block.rows; lane++) fill(block.rowOf(to, lane), a.keys, number);
  }

 private:
  Floats<L> headScaleOf(Index lane) const {
    Floats<L> factors{};
    for (int n = 0; n < L; n++) factors[n] = a.headScale.at(block.memberOf(lane + n));
    return factors;
  }

  Ints<L> writeOutput(const float* from, Index lane, Floats<L> factors) const {
    float* rows[L];
    for (int n = 0; n < L; n++) rows[n] = block.rowOf(a.output, lane + n);
    const Index count = block.rows - lane < L ? block.rows - lane : L;
    return lanesIntoRows<L>(from, blockRows, factors, rows, count, a.valueDim);
  }
};

}  // namespace
}  // namespace headpool
