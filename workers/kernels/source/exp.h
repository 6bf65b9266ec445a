// The exponential of a vector and the logarithm of a number, without libm.
#pragma once
#include "simd.h"

namespace headpool {
namespace {

constexpr double ln2 = 0.69314718055994530942;

/// x as n * ln 2 + rest, rest in [-0.347, 0.347].
template <int L>
struct Reduced {
  Floats<L> power;  // 2^n
  Floats<L> rest;
};

template <int L>
inline Reduced<L> reduce(Floats<L> x) {
  // Adding 1.5 * 2^23 leaves round(x / ln 2) in the low bits; the 127 is the bias of the exponent field.
  constexpr float magic = 12582912.0f + 127.0f;
  const Floats<L> shifted = multiplyAdd<L>(x, splat<L>(1.44269504f), splat<L>(magic));
  // ln 2 in two parts (Cody & Waite, 1980): the first has so few bits that its product with n is exact.
  const Floats<L> n = shifted - magic;
  const Floats<L> most = multiplyAdd<L>(n, splat<L>(-0.693359375f), x);
  return {(Floats<L>)((Ints<L>)shifted << 23), multiplyAdd<L>(n, splat<L>(2.12194440e-4f), most)};
}

/// e^x for x <= 88; anything below -88 gives exactly 0, NaN stays NaN. Relative error about 1.5e-7 around 0.
///
/// e^rest is the polynomial of degree 5 with p(0) = 1 and the least relative error (9.2e-8, fitted by Lawson's
/// iteration), and 2^n enters as a factor. A factor, not an addition to the exponent bits: a NaN stays a NaN, and n of
/// -127 gives 0 by itself. Natural base throughout, not base 2 with log2(e) folded into the queries: that would round
/// every score once more.
template <int L>
inline Floats<L> exp(Floats<L> x) {
  const auto [power, r] = reduce<L>(larger<L>(x, splat<L>(-88.0f)));
  Floats<L> p = splat<L>(8.2903150e-3f);
  p = multiplyAdd<L>(p, r, splat<L>(4.1897930e-2f));
  p = multiplyAdd<L>(p, r, splat<L>(1.6667636e-1f));
  p = multiplyAdd<L>(p, r, splat<L>(4.9999151e-1f));
  p = multiplyAdd<L>(p, r, splat<L>(9.9999970e-1f));
  p = multiplyAdd<L>(p, r, splat<L>(1.0f));
  return p * power;
}

/// tanh x: t / (t + 2) with t = e^(2x) - 1, which no x robs of its precision (relative error below 3e-7); NaN for NaN.
template <int L>
inline Floats<L> tanh(Floats<L> x) {
  // Beyond 10, tanh is 1 in float32.
  const Floats<L> bounded = -larger<L>(-larger<L>(x, splat<L>(-10.0f)), splat<L>(-10.0f));
  const auto [power, r] = reduce<L>(bounded + bounded);
  // e^r - 1 = r + r^2 g(r), g of degree 4 with the least relative error of the whole (1.3e-8, by Lawson's iteration),
  // and t = 2^n (e^r - 1) + (2^n - 1).
  Floats<L> g = splat<L>(1.3882517e-3f);
  g = multiplyAdd<L>(g, r, splat<L>(8.3665475e-3f));
  g = multiplyAdd<L>(g, r, splat<L>(4.1667201e-2f));
  g = multiplyAdd<L>(g, r, splat<L>(1.6666543e-1f));
  g = multiplyAdd<L>(g, r, splat<L>(4.9999997e-1f));
  const Floats<L> t = multiplyAdd<L>(multiplyAdd<L>(g * r, r, r), power, power - 1.0f);
  return t / (t + 2.0f);
}

/// c tanh(x / c)
template <int L>
class Cap {
  const float cap;
  const float inverse;

 public:
  explicit Cap(float softcap) : cap(softcap), inverse(1.0f / softcap) {}
  Floats<L> operator()(Floats<L> x) const { return tanh<L>(x * inverse) * cap; }
};

/// ln x in double precision for a positive, normal float; other values are the caller's business.
inline double log(float x) {
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
  return exponent * ln2 + 2 * s * sum;
}

/// e^x of a single number, with the same bits as in a vector.
template <int L>
inline float expOne(float x) {
  return exp<L>(splat<L>(x))[0];
}

/// What scores are taken relative to, given their maximum: a row that has attended nothing has the maximum -infinity,
/// and subtracting that would make NaN of its -infinities.
inline float finiteBase(float maximum) { return maximum == -infinity ? 0.0f : maximum; }
template <int L>
inline Floats<L> finiteBase(Floats<L> maximum) {
  return select<L>(maximum == -infinity, splat<L>(0.0f), maximum);
}

/// The natural logarithm of a softmax's denominator: `sum` of e^(score - maximum) over all attended and the sink.
inline float logSumExp(float maximum, float sum) {
  if (!(sum > 0 && sum < infinity)) return sum > 0 || sum != sum ? sum : -infinity;
  return static_cast<float>(static_cast<double>(maximum) + log(sum));
}

}  // namespace
}  // namespace headpool
