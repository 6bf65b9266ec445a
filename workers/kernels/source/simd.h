// Vectors of L float32 lanes on GCC/Clang vector extensions, and the few operations that need a name.
// Free of the standard library, so that the same source compiles natively and to WebAssembly.
//
// Everything below operations.h lies in an unnamed namespace: each instruction set has an object file of its own, and
// the linker must not take one's copy of a function for the other's.
#pragma once
#include "operations.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace headpool {
namespace {

template <int L>
struct Simd {
  typedef float Floats __attribute__((vector_size(4 * L)));
  typedef int Ints __attribute__((vector_size(4 * L)));
  typedef unsigned short Halves __attribute__((vector_size(2 * L)));
  typedef signed char Bytes __attribute__((vector_size(L)));
  // The same types as they lie in memory: aligned like a single float, never assumed better.
  typedef float FloatsInMemory __attribute__((vector_size(4 * L), aligned(4), may_alias));
  typedef int IntsInMemory __attribute__((vector_size(4 * L), aligned(4), may_alias));
};

template <int L>
using Floats = typename Simd<L>::Floats;
template <int L>
using Ints = typename Simd<L>::Ints;

template <int L>
inline Floats<L> load(const float* p) {
  return *reinterpret_cast<const typename Simd<L>::FloatsInMemory*>(p);
}

template <int L>
inline Ints<L> load(const int* p) {
  return *reinterpret_cast<const typename Simd<L>::IntsInMemory*>(p);
}

/// L numbers of 8 bits with their sign. By name where there is one: GCC 12 converts bytes one by one.
template <int L>
inline Ints<L> signedBytes(const signed char* p) {
#if defined(__AVX512F__)
  return (Ints<L>)_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__AVX2__)
  return (Ints<L>)_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#elif defined(__x86_64__)
  int four;
  __builtin_memcpy(&four, p, 4);
  const __m128i bytes = _mm_cvtsi32_si128(four);
  const __m128i pairs = _mm_unpacklo_epi8(bytes, bytes);
  return (Ints<L>)_mm_srai_epi32(_mm_unpacklo_epi16(pairs, pairs), 24);
#else
  typename Simd<L>::Bytes bytes;
  __builtin_memcpy(&bytes, p, L);
  return __builtin_convertvector(bytes, Ints<L>);
#endif
}

template <int L>
inline void store(float* p, Floats<L> v) {
  *reinterpret_cast<typename Simd<L>::FloatsInMemory*>(p) = v;
}

template <int L>
inline void store(int* p, Ints<L> v) {
  *reinterpret_cast<typename Simd<L>::IntsInMemory*>(p) = v;
}

/// `x` in every lane. Written as x - 0, which compilers fold for every x; 0 + x they may not, for the sake of -0.
template <int L>
inline Floats<L> splat(float x) {
  return x - Floats<L>{};
}

/// a * b + c: one rounding where the target has a fused instruction, two where it has none.
template <int L>
inline Floats<L> multiplyAdd(Floats<L> a, Floats<L> b, Floats<L> c) {
#if defined(__wasm_relaxed_simd__)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#elif defined(__AVX512F__)
  static_assert(L == 16, "AVX-512 computes on 16 lanes");
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  static_assert(L == 8, "AVX2 computes on 8 lanes");
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  static_assert(L == 4, "NEON computes on 4 lanes");
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

/// Lane by lane `mask ? a : b`; a mask lane is all ones or all zeros, as comparisons make them.
template <int L>
inline Floats<L> select(Ints<L> mask, Floats<L> a, Floats<L> b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return _mm256_blendv_ps(b, a, (Floats<L>)mask);
#else
  return (Floats<L>)((mask & (Ints<L>)a) | (~mask & (Ints<L>)b));
#endif
}

/// Lane by lane `a < b ? b : a`: the larger one, and `a` where either is NaN.
template <int L>
inline Floats<L> larger(Floats<L> a, Floats<L> b) {
  // By name where there is one: LLVM makes relaxed_max of the comparison, which may drop a NaN.
#if defined(__wasm_simd128__)
  return __builtin_wasm_pmax_f32x4(a, b);
#elif defined(__AVX512F__)
  return _mm512_max_ps(b, a);
#elif defined(__AVX__)
  return _mm256_max_ps(b, a);
#elif defined(__x86_64__)
  return _mm_max_ps(b, a);
#else
  return select<L>(a < b, b, a);
#endif
}

/// |x| as float32.
template <int L>
inline Floats<L> magnitude(Ints<L> x) {
  return __builtin_convertvector(x < 0 ? -x : x, Floats<L>);
}

/// The sum of all lanes: halves added to halves.
template <int L>
inline float sumLanes(Floats<L> x) {
  if constexpr (L == 2) {
    return x[0] + x[1];
  } else {
    Floats<L / 2> halves[2];
    __builtin_memcpy(halves, &x, sizeof x);
    return sumLanes<L / 2>(halves[0] + halves[1]);
  }
}

constexpr float infinity = __builtin_inff();

/// Lane by lane 0 where x is finite, bits of a NaN elsewhere.
template <int L>
inline Ints<L> bitsUnlessFinite(Floats<L> x) {
  return (Ints<L>)(x - x);
}

inline bool isFinite(float x) { return x - x == 0; }

}  // namespace
}  // namespace headpool
