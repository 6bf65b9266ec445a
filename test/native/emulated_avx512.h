// Included before all else, this compiles the kernels in the shapes of AVX-512 (16 lanes, its blocks and tiles) for any
// processor: the sources see AVX-512, the compiler sees arithmetic on vectors. It tests indices, not instructions.
#pragma once
#undef __x86_64__
#undef __aarch64__
#define __AVX512F__ 1

typedef float __m512 __attribute__((vector_size(64)));
// As the sources use it: 16 numbers of 16 bits.
typedef unsigned short __m256i __attribute__((vector_size(32)));

typedef signed char __m128i __attribute__((vector_size(16)));
typedef int __m512i __attribute__((vector_size(64)));

inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) { return a * b + c; }
inline __m512 _mm512_max_ps(__m512 a, __m512 b) { return a > b ? a : b; }

inline __m256i _mm256_loadu_si256(const __m256i* p) {
  __m256i halves;
  __builtin_memcpy(&halves, p, sizeof halves);
  return halves;
}

inline __m128i _mm_loadu_si128(const __m128i* p) {
  __m128i bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

inline __m512i _mm512_cvtepu16_epi32(__m256i halves) { return __builtin_convertvector(halves, __m512i); }
inline __m512i _mm512_cvtepi8_epi32(__m128i bytes) { return __builtin_convertvector(bytes, __m512i); }

inline __m512 _mm512_cvtph_ps(__m256i halves) {
  __m512 numbers;
  for (int n = 0; n < 16; n++) {
    const int exponent = halves[n] >> 10 & 0x1f, fraction = halves[n] & 0x3ff;
    const float whole = static_cast<float>(exponent == 0 ? fraction : 0x400 + fraction) * 0x1p-24f;
    const float finite = whole * static_cast<float>(1ll << (exponent == 0 ? 0 : exponent - 1));
    const float special = fraction == 0 ? __builtin_inff() : __builtin_nanf("");
    const float magnitude = exponent == 0x1f ? special : finite;
    numbers[n] = halves[n] & 0x8000 ? -magnitude : magnitude;
  }
  return numbers;
}
