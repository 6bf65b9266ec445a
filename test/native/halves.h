// Numbers of 16 bits, in the plainest way: a sign, an exponent and a fraction.
#pragma once
#include <math.h>

#include "source/operations.h"

namespace headpool::test {

/// How float16 or bfloat16 divides its bits.
struct HalfFormat {
  int fractionBits;
  int exponentBias;

  explicit HalfFormat(Index storage)
      : fractionBits(storage == float16 ? 10 : 7), exponentBias(storage == float16 ? 15 : 127) {}
  int fractions() const { return 1 << fractionBits; }
  int largestExponent() const { return 2 * exponentBias + 1; }
};

/// The number that the bits stand for, which float32 holds exactly.
inline float decodeHalf(Index storage, unsigned short bits) {
  const HalfFormat format(storage);
  const int exponent = (bits & 0x7fff) >> format.fractionBits;
  const int fraction = bits & (format.fractions() - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == format.largestExponent()) return static_cast<float>(fraction != 0 ? NAN : sign * INFINITY);
  // Without an exponent the number has no leading one, and the exponent of 1.
  const int whole = exponent == 0 ? fraction : format.fractions() + fraction;
  const int power = (exponent == 0 ? 1 : exponent) - format.exponentBias - format.fractionBits;
  return static_cast<float>(sign * ldexp(whole, power));
}

/// The bits of a number that is in range, cut off towards zero.
inline unsigned short encodeHalf(Index storage, float number) {
  const HalfFormat format(storage);
  const int sign = signbit(number) ? 0x8000 : 0;
  const int special = format.largestExponent() << format.fractionBits;
  if (isnan(number)) return static_cast<unsigned short>(special + 1);
  if (isinf(number)) return static_cast<unsigned short>(sign + special);
  if (number == 0) return static_cast<unsigned short>(sign);
  int power = 0;
  const double significand = frexp(fabs(number), &power);  // 0.5 to 1
  const int exponent = power - 1 + format.exponentBias;
  const int bits = exponent > 0 ? static_cast<int>(ldexp(significand, format.fractionBits + 1)) - format.fractions() +
                                      (exponent << format.fractionBits)
                                : static_cast<int>(ldexp(fabs(number), format.exponentBias - 1 + format.fractionBits));
  return static_cast<unsigned short>(sign + bits);
}

}  // namespace headpool::test
