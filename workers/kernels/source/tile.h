// The register tile that every product here is made of, and the loops that cover a matrix with tiles.
#pragma once
#include "simd.h"

// Loops over the sums of a tile have constant bounds. Unrolled this early, GCC keeps the sums in registers; left to
// itself it unrolls them late and carries every tile through the stack (72 % of the multiply-add rate against 75 %).
#define HEADPOOL_UNROLL _Pragma("GCC unroll 32")

namespace headpool {
namespace {

/// Walks an operand whose steps are neighbours in memory: row r of a step is at `data[r * rowStride + step]`, the steps
/// going up, or down from `data` with a direction of -1.
template <int Rows, int Direction = 1>
class AlongSteps {
  const float* rows[Rows];

 public:
  AlongSteps(const float* data, Index rowStride) {
    HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) rows[r] = data + r * rowStride;
  }
  float at(int row) const { return *rows[row]; }
  void advance() { HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) rows[r] += Direction; }
};

/// Walks an operand whose rows are neighbours in memory: row r of a step is at `data[step * stepStride + r]`.
template <int Rows>
class AlongRows {
  const float* data;
  Index stepStride;

 public:
  AlongRows(const float* first, Index stride) : data(first), stepStride(stride) {}
  float at(int row) const { return data[row]; }
  void advance() { data += stepStride; }
};

/// Floats of a cache line.
constexpr int floatsOfLine = 16;

/// Sums of `Rows` x `Vectors` vectors, kept in registers while the steps run.
template <int L, int Rows, int Vectors>
class Tile {
  Floats<L> sums[Rows][Vectors];

  /// sums[r][v] = f(r, v, sums[r][v])
  template <class F>
  [[gnu::always_inline]] inline void update(F f) {
    HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) {
      HEADPOOL_UNROLL for (int v = 0; v < Vectors; v++) sums[r][v] = f(r, v, sums[r][v]);
    }
  }

 public:
  void fill(float value) {
    update([=](int, int, Floats<L>) { return splat<L>(value); });
  }
  /// Rows of sums lie `stride` apart; a stride of 0 repeats the first.
  void read(const float* from, Index stride) {
    update([=](int r, int v, Floats<L>) { return load<L>(from + r * stride + v * L); });
  }
  void add(const float* from, Index stride) {
    update([=](int r, int v, Floats<L> s) { return s + load<L>(from + r * stride + v * L); });
  }
  void scale(float factor) {
    update([=](int, int, Floats<L> s) { return s * factor; });
  }
  /// Adds what lies there times a factor for each lane.
  void addScaled(const float* from, Index stride, const float* factors) {
    update([=](int r, int v, Floats<L> s) {
      return multiplyAdd<L>(load<L>(from + r * stride + v * L), load<L>(factors + v * L), s);
    });
  }
  /// Whether the first vector of every row is free of NaN and infinity. A scalar that is either makes every vector of
  /// its row NaN or infinite, whatever the other factors are.
  bool isFinite() const {
    Floats<L> zeros = splat<L>(0.0f);
    HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) zeros += sums[r][0] - sums[r][0];
    return sumLanes<L>(zeros) == 0;
  }
  void write(float* to, Index stride) const {
    HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) {
      HEADPOOL_UNROLL for (int v = 0; v < Vectors; v++) store<L>(to + r * stride + v * L, sums[r][v]);
    }
  }

  /// sums[r][v] += sum over steps of a(r, step) * b[step * Stride + v * L ...], in the order of the steps.
  template <int Stride, class Operand>
  [[gnu::always_inline]] inline void accumulate(Operand& a, const float* b, Index steps) {
    // Not unrolled: V8 moves every load of an unrolled body before its first multiply-add and spills them (measured
    // with relaxed SIMD: 28 GFLOP/s unrolled by 4, 41 so), and natively it gains nothing.
#pragma GCC unroll 1
    for (; steps > 0; steps--, b += Stride) addStep(a, b);
  }

  /// The same, while the `Stride` floats of as many steps from `next` on are fetched into the caches.
  template <int Stride, class Operand>
  [[gnu::always_inline]] inline void accumulateAndFetch(Operand& a, const float* b, Index steps, const float* next) {
#pragma GCC unroll 1
    for (; steps > 0; steps--, b += Stride, next += Stride) {
      for (int n = 0; n < Stride; n += floatsOfLine) __builtin_prefetch(next + n);
      addStep(a, b);
    }
  }

 private:
  template <class Operand>
  [[gnu::always_inline]] inline void addStep(Operand& a, const float* b) {
    Floats<L> lanes[Vectors];
    HEADPOOL_UNROLL for (int v = 0; v < Vectors; v++) lanes[v] = load<L>(b + v * L);
    HEADPOOL_UNROLL for (int r = 0; r < Rows; r++) {
      const Floats<L> scalar = splat<L>(a.at(r));
      HEADPOOL_UNROLL for (int v = 0; v < Vectors; v++) sums[r][v] = multiplyAdd<L>(scalar, lanes[v], sums[r][v]);
    }
    a.advance();
  }
};

/// The rows of a register tile of `vectors` vectors: what the registers for sums hold, and pointers for 8 rows.
constexpr int tileRows(int sums, int vectors) { return sums / vectors < 8 ? sums / vectors : 8; }

/// Runs `body` on the `count` <= N things from `first` on as one piece.
template <int N, class Body>
inline void forRest(Index first, Index count, Body body) {
  if (count == N) {
    body.template run<N>(first);
  } else if constexpr (N > 1) {
    forRest<N - 1>(first, count, body);
  }
}

/// Runs `body.template run<N>(first)` over [0, count) in pieces of N = `Most`, the rest as one piece.
template <int Most, class Body>
inline void forEachPiece(Index count, Body body) {
  Index first = 0;
  for (; first + Most <= count; first += Most) body.template run<Most>(first);
  if constexpr (Most > 1) forRest<Most - 1>(first, count - first, body);
}

}  // namespace
}  // namespace headpool
