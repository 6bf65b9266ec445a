// Keys and values as they are stored, 16 bits a number or 32, and how 16 become 32.
#pragma once
#include "simd.h"

namespace headpool {
namespace {

typedef unsigned short Half;

/// L numbers of 16 bits, as they lie in memory, each in the low half of a lane.
template <int L>
inline Ints<L> loadHalves(const Half* p) {
  typename Simd<L>::Halves halves;
  __builtin_memcpy(&halves, p, sizeof halves);
  return __builtin_convertvector(halves, Ints<L>);
}

/// float32 of L float16 numbers; exact, subnormal numbers included.
template <int L>
inline Floats<L> widenFloat16(const Half* p) {
#if defined(__AVX512F__)
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  const Ints<L> bits = loadHalves<L>(p);
  const Ints<L> magnitude = (bits & 0x7fff) << 13;
  // The exponents differ by 112; as a factor that shifts subnormal numbers too. An exponent of all ones stays one.
  const Floats<L> shifted = (Floats<L>)magnitude * 0x1p112f;
  const Ints<L> isSpecial = (bits & 0x7c00) == 0x7c00;
  const Floats<L> number = select<L>(isSpecial, (Floats<L>)(magnitude | 0x7f800000), shifted);
  return (Floats<L>)((Ints<L>)number | (bits & 0x8000) << 16);
#endif
}

/// float32 of L bfloat16 numbers, which are their upper halves.
template <int L>
inline Floats<L> widenBfloat16(const Half* p) {
  return (Floats<L>)(loadHalves<L>(p) << 16);
}

template <int L>
inline Floats<L> widen(Index storage, const Half* p) {
  return storage == float16 ? widenFloat16<L>(p) : widenBfloat16<L>(p);
}

/// `count` numbers as float32. The last ones go through a vector of their own: what lies behind them is not read.
template <int L>
inline void widenRow(Index storage, const Half* from, Index count, float* to) {
  Index n = 0;
  for (; n + L <= count; n += L) store<L>(to + n, widen<L>(storage, from + n));
  if (n == count) return;
  Half rest[L] = {};
  for (Index d = 0; n + d < count; d++) rest[d] = from[n + d];
  const Floats<L> widened = widen<L>(storage, rest);
  for (Index d = 0; n + d < count; d++) to[n + d] = widened[d];
}

/// Rows of float32, dims side by side.
struct FloatRows {
  const float* data;
  Index stride;
};

/// `count` rows from `element` on of `stored`: where they lie if that is float32, else in `space`.
template <int L>
inline FloatRows readRows(const void* stored, Index storage, Index element, Index stride, Index count, Index dims,
                          float* space) {
  if (storage == float32) return {static_cast<const float*>(stored) + element, stride};
  const Half* const from = static_cast<const Half*>(stored) + element;
  for (Index j = 0; j < count; j++) widenRow<L>(storage, from + j * stride, dims, space + j * dims);
  return {space, dims};
}

}  // namespace
}  // namespace headpool
