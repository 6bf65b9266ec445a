// Rows into lanes and back.
#pragma once
#include "simd.h"

namespace headpool {
namespace {

template <int... N>
struct Lanes {};
template <int Count, int... N>
struct LanesTo : LanesTo<Count - 1, Count - 1, N...> {};
template <int... N>
struct LanesTo<0, N...> {
  using type = Lanes<N...>;
};

/// The first (Half = 0) or second (Half = 1) halves of `a` and `b`, lane about lane: a0 b0 a1 b1 ...
template <int L, int Half, int... N>
inline Floats<L> interleave(Floats<L> a, Floats<L> b, Lanes<N...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, (N / 2 + Half * L / 2 + N % 2 * L)...);
#else
  return __builtin_shuffle(a, b, Ints<L>{(N / 2 + Half * L / 2 + N % 2 * L)...});
#endif
}

#if defined(__AVX__)
/// Eight by eight: pairs and fours inside the halves of the registers, then the halves. 24 shuffles where interleaving
/// whole registers takes 48.
inline void transposeEight(Floats<8> (&rows)[8]) {
  Floats<8> pairs[8], fours[8];
  _Pragma("GCC unroll 4") for (int r = 0; r < 8; r += 2) {
    pairs[r] = _mm256_unpacklo_ps(rows[r], rows[r + 1]);
    pairs[r + 1] = _mm256_unpackhi_ps(rows[r], rows[r + 1]);
  }
  _Pragma("GCC unroll 2") for (int r = 0; r < 8; r += 4) {
    _Pragma("GCC unroll 2") for (int n = 0; n < 2; n++) {
      fours[r + 2 * n] = _mm256_shuffle_ps(pairs[r + n], pairs[r + n + 2], 0x44);
      fours[r + 2 * n + 1] = _mm256_shuffle_ps(pairs[r + n], pairs[r + n + 2], 0xee);
    }
  }
  _Pragma("GCC unroll 4") for (int r = 0; r < 4; r++) {
    rows[r] = _mm256_permute2f128_ps(fours[r], fours[r + 4], 0x20);
    rows[r + 4] = _mm256_permute2f128_ps(fours[r], fours[r + 4], 0x31);
  }
}
#endif

/// Transposes L x L numbers in registers: interleaving the first half of the rows with the second moves one bit of the
/// row's number into the lane's, so log2(L) rounds move them all.
template <int L>
[[gnu::always_inline]] inline void transpose(Floats<L> (&rows)[L]) {
#if defined(__AVX__)
  if constexpr (L == 8) return transposeEight(rows);
#endif
  using All = typename LanesTo<L>::type;
  _Pragma("GCC unroll 8") for (int round = 1; round < L; round *= 2) {
    Floats<L> next[L];
    _Pragma("GCC unroll 32") for (int r = 0; r < L / 2; r++) {
      next[2 * r] = interleave<L, 0>(rows[r], rows[r + L / 2], All{});
      next[2 * r + 1] = interleave<L, 1>(rows[r], rows[r + L / 2], All{});
    }
    _Pragma("GCC unroll 32") for (int r = 0; r < L; r++) rows[r] = next[r];
  }
}

/// to[d * stride + r] = rows[r][d] for L rows of `dims` numbers.
template <int L>
inline void rowsIntoLanes(const float* const (&rows)[L], Index dims, float* to, Index stride) {
  Index d = 0;
  for (; d + L <= dims; d += L) {
    Floats<L> square[L];
    for (int r = 0; r < L; r++) square[r] = load<L>(rows[r] + d);
    transpose<L>(square);
    for (int r = 0; r < L; r++) store<L>(to + (d + r) * stride, square[r]);
  }
  for (; d < dims; d++)
    for (int r = 0; r < L; r++) to[d * stride + r] = rows[r][d];
}

/// rows[r][d] = from[d * stride + r] * factors[r] for the first `count` of L rows of `dims` numbers. Returns lanes of
/// zeros where all numbers of `from` are finite.
template <int L>
inline Ints<L> lanesIntoRows(const float* from, Index stride, Floats<L> factors, float* const (&rows)[L], Index count,
                             Index dims) {
  Ints<L> bits{};
  Index d = 0;
  for (; d + L <= dims; d += L) {
    Floats<L> square[L];
    for (int r = 0; r < L; r++) {
      const Floats<L> numbers = load<L>(from + (d + r) * stride);
      bits |= bitsUnlessFinite<L>(numbers);
      square[r] = numbers * factors;
    }
    transpose<L>(square);
    for (Index r = 0; r < count; r++) store<L>(rows[r] + d, square[r]);
  }
  for (; d < dims; d++) {
    bits |= bitsUnlessFinite<L>(load<L>(from + d * stride));
    for (Index r = 0; r < count; r++) rows[r][d] = from[d * stride + r] * factors[r];
  }
  return bits;
}

}  // namespace
}  // namespace headpool
