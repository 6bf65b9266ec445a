// Keys and values as they are stored, 16 bits a number or 32, and how 16 become 32.
#pragma once
#include "simd.h"

namespace headpool {
namespace {

typedef unsigned short Half;

/// L numbers of 16 bits, as they lie in memory, each in the low half of a lane.
template <int L>
inline Ints<L> loadHalves(const Half* p) {
#if defined(__AVX512F__)
  return (Ints<L>)_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__AVX2__)
  return (Ints<L>)_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  typename Simd<L>::Halves halves;
  __builtin_memcpy(&halves, p, sizeof halves);
  return __builtin_convertvector(halves, Ints<L>);
#endif
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

/// The ways in which numbers are stored: L of them, or one, as float32.
struct StoredFloat32 {
  using Number = float;
  template <int L>
  static Floats<L> read(const float* p) {
    return load<L>(p);
  }
  template <int L>
  static float readOne(const float* p) {
    return *p;
  }
};

template <class Stored>
struct StoredHalf {
  using Number = Half;
  /// By way of a vector of its own: what lies behind the number is not read.
  template <int L>
  static float readOne(const Half* p) {
    const Half alone[L] = {*p};
    return Stored::template read<L>(alone)[0];
  }
};

struct StoredFloat16 : StoredHalf<StoredFloat16> {
  template <int L>
  static Floats<L> read(const Half* p) {
    return widenFloat16<L>(p);
  }
};

struct StoredBfloat16 : StoredHalf<StoredBfloat16> {
  template <int L>
  static Floats<L> read(const Half* p) {
    return widenBfloat16<L>(p);
  }
};

/// `count` numbers as float32.
template <int L, class Stored>
inline void widenRow(const typename Stored::Number* from, Index count, float* to) {
  Index n = 0;
  for (; n + L <= count; n += L) store<L>(to + n, Stored::template read<L>(from + n));
  for (; n < count; n++) to[n] = Stored::template readOne<L>(from + n);
}

/// Rows of keys or values as a call stores them, from `element` on.
struct RowsOfCall {
  const void* data;
  Index storage;
  Index element;
  Index stride;
};

/// Rows of numbers, dims side by side.
template <class Number>
struct StoredRows {
  const Number* data;
  Index stride;
};

/// Reads rows where they lie, as they are stored.
template <class S>
struct InPlace {
  using Stored = S;
  using Rows = StoredRows<typename S::Number>;
  static constexpr Index spaceFloats(Index) { return 0; }
  static Rows read(const RowsOfCall& rows, Index, Index, float*) {
    return {static_cast<const typename S::Number*>(rows.data) + rows.element, rows.stride};
  }
};

/// Reads rows of float32 where they lie, and others as float32 in `space`.
template <int L>
struct Widened {
  using Stored = StoredFloat32;
  using Rows = StoredRows<float>;
  static constexpr Index spaceFloats(Index numbers) { return numbers; }
  static Rows read(const RowsOfCall& rows, Index count, Index dims, float* space) {
    if (rows.storage == float32) return {static_cast<const float*>(rows.data) + rows.element, rows.stride};
    const Half* const from = static_cast<const Half*>(rows.data) + rows.element;
    for (Index j = 0; j < count; j++) {
      if (rows.storage == float16)
        widenRow<L, StoredFloat16>(from + j * rows.stride, dims, space + j * dims);
      else
        widenRow<L, StoredBfloat16>(from + j * rows.stride, dims, space + j * dims);
    }
    return {space, dims};
  }
};

}  // namespace
}  // namespace headpool
