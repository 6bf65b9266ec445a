// The base-2 exponential of a vector and the base-2 logarithm of a number, without libm.
#pragma once
#include "simd.h"

namespace headpool {

constexpr float log2E = 1.44269504088896340736f;
constexpr double ln2 = 0.69314718055994530942;

/// 2^x for x <= 127; anything below -127 gives exactly 0, NaN stays NaN. Relative error about 1.5e-7.
///
/// x is split into n = round(x) and r in [-0.5, 0.5]; 2^r is the polynomial of degree 5
/// with p(0) = 1 and the least relative error (9.2e-8, fitted by Lawson's iteration), and 2^n enters as a
/// factor. A factor, not an addition to the exponent bits: a NaN stays a NaN and n = -127 gives 0 by itself.
template <int L>
inline Floats<L> exp2(Floats<L> x) {
  x = larger<L>(x, splat<L>(-127.0f));
  // Adding 1.5 * 2^23 leaves round(x) in the low bits; the 127 is the bias of the exponent field.
  constexpr float magic = 12582912.0f + 127.0f;
  const Floats<L> shifted = x + magic;
  const Floats<L> power = (Floats<L>)((Ints<L>)shifted << 23);
  const Floats<L> r = x - (shifted - magic);
  Floats<L> p = splat<L>(1.3264727e-3f);
  p = multiplyAdd<L>(p, r, splat<L>(9.6715130e-3f));
  p = multiplyAdd<L>(p, r, splat<L>(5.5507336e-2f));
  p = multiplyAdd<L>(p, r, splat<L>(2.4022242e-1f));
  p = multiplyAdd<L>(p, r, splat<L>(6.9314700e-1f));
  p = multiplyAdd<L>(p, r, splat<L>(1.0f));
  return p * power;
}

/// log2(x) in double precision for a positive, normal float; other values are the caller's business.
inline double log2(float x) {
  int bits;
  __builtin_memcpy(&bits, &x, 4);
  int exponent = (bits >> 23) - 127;
  bits = (bits & 0x007fffff) | 0x3f800000;
  float fraction;
  __builtin_memcpy(&fraction, &bits, 4);
  double f = fraction;
  if (f > 1.41421356) {
    f *= 0.5;
    exponent++;
  }
  // ln f = 2 artanh((f - 1) / (f + 1)); |s| < 0.172, so nine odd terms reach below 1e-15.
  const double s = (f - 1) / (f + 1);
  const double square = s * s;
  double sum = 0;
  for (int k = 17; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent + 2 * s * sum / ln2;
}

}  // namespace headpool
