// Vectors of L float32 lanes on GCC/Clang vector extensions, and the few operations that need a name.
// Free of the standard library, so that the same source compiles natively and to WebAssembly.
#pragma once

namespace headpool {

using Index = __PTRDIFF_TYPE__;

template <int L>
struct Simd {
  typedef float Floats __attribute__((vector_size(4 * L)));
  typedef int Ints __attribute__((vector_size(4 * L)));
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
#ifdef __wasm_relaxed_simd__
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}

/// Lane by lane `mask ? a : b`; a mask lane is all ones or all zeros, as comparisons make them.
template <int L>
inline Floats<L> select(Ints<L> mask, Floats<L> a, Floats<L> b) {
  return (Floats<L>)((mask & (Ints<L>)a) | (~mask & (Ints<L>)b));
}

/// Lane by lane `a < b ? b : a`: the larger one, and `a` where either is NaN.
template <int L>
inline Floats<L> larger(Floats<L> a, Floats<L> b) {
#ifdef __wasm_simd128__
  // By name: of the comparison LLVM makes relaxed_max, which may drop a NaN.
  return __builtin_wasm_pmax_f32x4(a, b);
#else
  return select<L>(a < b, b, a);
#endif
}

constexpr float infinity = __builtin_inff();

}  // namespace headpool
