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

  /// Panel by panel, so that a panel stays in the cache while the rows stream past it.
  static void run(const Projection& p) {
    constexpr int rows = tileRows(Target::sums, vectors);
    const float* panel = p.panels;
    for (Index column = 0; column < p.columns; column += width, panel += (1 + p.depth) * width) {
      const Index valid = p.columns - column < width ? p.columns - column : width;
      forEachPiece<rows>(p.rowCount, Rows{p, panel, column, valid});
    }
  }

 private:
  /// Some rows times one panel.
  struct Rows {
    const Projection& p;
    const float* panel;
    Index column;
    Index valid;

    template <int N>
    [[gnu::noinline]] void run(Index row) const {
      Tile<L, N, vectors> tile;
      tile.read(panel, 0);
      tile.template accumulate<width>(AlongSteps<N>(p.rows + row * p.rowStride, p.rowStride), panel + width, p.depth);
      float* const out = p.output + row * p.outputStride + column;
      if (valid == width) {
        tile.write(out, p.outputStride);
      } else {
        float whole[N * width];
        tile.write(whole, width);
        for (int r = 0; r < N; r++)
          for (Index c = 0; c < valid; c++) out[r * p.outputStride + c] = whole[r * width + c];
      }
    }
  };
};

}  // namespace
}  // namespace headpool
