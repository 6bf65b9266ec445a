// Included before all else, this compiles the kernels in the shapes of AVX-512 (16 lanes, its blocks and tiles) for any
// processor: the sources see AVX-512, the compiler sees arithmetic on vectors. It tests indices, not instructions.
#pragma once
#undef __x86_64__
#undef __aarch64__
#define __AVX512F__ 1

typedef float __m512 __attribute__((vector_size(64)));

inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) { return a * b + c; }
inline __m512 _mm512_max_ps(__m512 a, __m512 b) { return a > b ? a : b; }
