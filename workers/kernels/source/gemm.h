// The register tile that every product here is made of, and the product of rows with packed weights.
#pragma once
#include "simd.h"

namespace headpool {

/// Walks an operand whose steps are neighbours in memory: row r of a step is at `data[r * rowStride + step]`, the steps
/// going up, or down from `data` with a direction of -1.
template <int Rows, int Direction = 1>
class AlongSteps {
  const float* rows[Rows];

 public:
  AlongSteps(const float* data, Index rowStride) {
    for (int r = 0; r < Rows; r++) rows[r] = data + r * rowStride;
  }
  float at(unsigned row) const { return *rows[row]; }
  void advance() {
    for (int r = 0; r < Rows; r++) rows[r] += Direction;
  }
};

/// Walks an operand whose rows are neighbours in memory: row r of a step is at `data[step * stepStride + r]`.
template <int Rows>
class AlongRows {
  const float* data;
  Index stepStride;

 public:
  AlongRows(const float* first, Index stride) : data(first), stepStride(stride) {}
  float at(unsigned row) const { return data[row]; }
  void advance() { data += stepStride; }
};

/// Accumulators of `Rows` x `Vectors` vectors, kept in registers while the steps run.
template <int L, int Rows, int Vectors>
struct Tile {
  Floats<L> sums[Rows][Vectors];

  void fill(Floats<L> value) {
    for (int r = 0; r < Rows; r++)
      for (int v = 0; v < Vectors; v++) sums[r][v] = value;
  }

  /// sums[r][v] += sum over steps of a(r, step) * b[step * Stride + v * L ...], in the order of the steps.
  template <int Stride, class Operand>
  void accumulate(Operand a, const float* b, Index steps) {
    // Not unrolled: V8 moves every load of an unrolled body before its first multiply-add and spills them (measured
    // with relaxed SIMD: 28 GFLOP/s unrolled by 4, 41 so). Processors overlap the steps by themselves.
#pragma GCC unroll 1
    for (; steps > 0; steps--) {
      Floats<L> lanes[Vectors];
      for (unsigned v = 0; v < Vectors; v++) lanes[v] = load<L>(b + v * L);
      for (unsigned r = 0; r < Rows; r++) {
        const Floats<L> scalar = splat<L>(a.at(r));
        for (unsigned v = 0; v < Vectors; v++) sums[r][v] = multiplyAdd<L>(scalar, lanes[v], sums[r][v]);
      }
      a.advance();
      b += Stride;
    }
  }
};

/// Runs `body.template run<Rows>(firstRow)` over `rows` rows in tiles of `Rows`, the rest in tiles of 1.
template <int Rows, class Body>
inline void forEachTile(Index rows, Body body) {
  Index row = 0;
  for (; row + Rows <= rows; row += Rows) body.template run<Rows>(row);
  for (; row < rows; row++) body.template run<1>(row);
}

/// Weights in panels of L * Vectors columns, each [1 + depth][panel columns]: the biases, then a row of weights a step.
/// `weight` is [columns, depth] as PyTorch stores it; columns past the end and a missing bias are zeros.
template <int L, int Vectors>
void packPanels(const float* weight, const float* bias, Index columns, Index depth, float* panels) {
  constexpr int width = L * Vectors;
  for (Index first = 0; first < columns; first += width) {
    const Index valid = columns - first < width ? columns - first : width;
    for (Index c = 0; c < width; c++) panels[c] = bias && c < valid ? bias[first + c] : 0.0f;
    panels += width;
    for (Index k = 0; k < depth; k++, panels += width)
      for (Index c = 0; c < width; c++) panels[c] = c < valid ? weight[(first + c) * depth + k] : 0.0f;
  }
}

/// output[row, column] = bias[column] + sum over k of rows[row, k] * weight[column, k].
struct Projection {
  const float* rows;    // [rowCount, depth], rows `rowStride` apart
  Index rowStride;
  Index rowCount;
  Index depth;
  const float* panels;  // as packPanels leaves them
  Index columns;
  float* output;        // [rowCount, columns], rows `outputStride` apart
  Index outputStride;
};

template <int L, int Vectors>
struct ProjectTile {
  const Projection& p;
  const float* panel;
  Index column;
  Index valid;

  template <int Rows>
  void run(Index row) const {
    constexpr int width = L * Vectors;
    Tile<L, Rows, Vectors> tile;
    for (int r = 0; r < Rows; r++)
      for (int v = 0; v < Vectors; v++) tile.sums[r][v] = load<L>(panel + v * L);
    tile.template accumulate<width>(AlongSteps<Rows>(p.rows + row * p.rowStride, p.rowStride), panel + width, p.depth);
    for (int r = 0; r < Rows; r++) {
      float* out = p.output + (row + r) * p.outputStride + column;
      if (valid == width) {
        for (int v = 0; v < Vectors; v++) store<L>(out + v * L, tile.sums[r][v]);
      } else {
        float lanes[width];
        for (int v = 0; v < Vectors; v++) store<L>(lanes + v * L, tile.sums[r][v]);
        for (Index c = 0; c < valid; c++) out[c] = lanes[c];
      }
    }
  }
};

/// Panel by panel, so that a panel stays in L1 while the rows stream past it from L2.
template <int L, int Rows, int Vectors>
void project(const Projection& p) {
  constexpr int width = L * Vectors;
  const float* panel = p.panels;
  for (Index column = 0; column < p.columns; column += width, panel += (1 + p.depth) * width) {
    const Index valid = p.columns - column < width ? p.columns - column : width;
    forEachTile<Rows>(p.rowCount, ProjectTile<L, Vectors>{p, panel, column, valid});
  }
}

}  // namespace headpool
