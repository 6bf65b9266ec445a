// Packing weights into panels, and the product of rows with packed weights.
#pragma once
#include "tile.h"

namespace headpool {
namespace {

template <class Target>
class Project {
  static constexpr int L = Target::lanes;
  static constexpr int vectors = Target::projectVectors;

 public:
  static constexpr int width = L * vectors;  // columns of a panel

  static void pack(const Packing& p) {
    float* panel = p.panels;
    for (Index first = 0; first < p.columns; first += width) {
      const Index valid = p.columns - first < width ? p.columns - first : width;
      for (Index c = 0; c < width; c++) panel[c] = p.bias && c < valid ? p.bias[first + c] : 0.0f;
      panel += width;
      for (Index k = 0; k < p.depth; k++, panel += width)
        for (Index c = 0; c < width; c++) panel[c] = c < valid ? p.weight[(first + c) * p.depth + k] : 0.0f;
    }
  }

  /// Some depth of all rows and one panel at a time: that much of the panel stays in L1, and of the rows in L2.
  static void run(const Projection& p) {
    for (Index first = 0; first == 0 || first < p.depth; first += Target::depthBlock) {
      const Index steps = p.depth - first < Target::depthBlock ? p.depth - first : Target::depthBlock;
      const float* panel = p.panels;
      for (Index column = 0; column < p.columns; column += width, panel += (1 + p.depth) * width) {
        // The block that comes after this one; behind the last, what lies there is fetched in vain.
        const bool isLastPanel = column + width >= p.columns;
        const float* const next =
            isLastPanel ? p.panels + (1 + first + steps) * width : panel + (2 + p.depth + first) * width;
        forEachPiece<tileRows(Target::sums, vectors)>(p.rowCount, Rows{p, panel, column, first, steps, next});
      }
    }
  }

 private:
  /// Some rows times a block of one panel. The first block starts from the biases, the others from the sums so far,
  /// which lie in the output: a sum is the same float32 in a register and in memory, so blocks don't change it.
  struct Rows {
    const Projection& p;
    const float* panel;
    Index column;
    Index firstStep;
    Index steps;
    const float* next;

    template <int N>
    [[gnu::noinline]] void run(Index row) const {
      float* const out = p.output.row(0, row) + column;
      const Index valid = p.columns - column;
      if (valid >= width) {
        addBlock<N>(row, out, p.output.rowStride);
      } else {
        float whole[N * width];
        copy(N, valid, out, p.output.rowStride, whole, width);
        addBlock<N>(row, whole, width);
        copy(N, valid, whole, width, out, p.output.rowStride);
      }
    }

    template <int N>
    [[gnu::always_inline]] inline void addBlock(Index row, float* sums, Index stride) const {
      AlongSteps<N> rows(p.rows.row(0, row) + firstStep, p.rows.rowStride);
      const float* const weights = panel + (1 + firstStep) * width;
      Tile<L, N, vectors> tile;
      if (firstStep == 0) {
        tile.read(panel, 0);
      } else {
        tile.read(sums, stride);
      }
      // Every tile of rows fetches its share of the next block, so that memory is busy all the time and not just while
      // the first rows wait for it: with 16 rows that is 15 to 20 % of the speed.
      const Index from = row * steps / p.rowCount;
      const Index fetched = (row + N) * steps / p.rowCount - from;
      tile.template accumulateAndFetch<width>(rows, weights, fetched, next + from * width);
      tile.template accumulate<width>(rows, weights + fetched * width, steps - fetched);
      tile.write(sums, stride);
    }

    static void copy(Index rows, Index columns, const float* from, Index fromStride, float* to, Index toStride) {
      for (Index r = 0; r < rows; r++)
        for (Index c = 0; c < columns; c++) to[r * toStride + c] = from[r * fromStride + c];
    }
  };
};

}  // namespace
}  // namespace headpool
