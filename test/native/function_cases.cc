// What the kernels are made of: the exponential and the hyperbolic tangent against those of the C library in double
// precision, and all 65,536 numbers of 16 bits.
#include <float.h>

#include "cases.h"
#include "halves.h"
#include "random.h"

namespace headpool::test {

namespace {

/// The error of the polynomial and the roundings around it, as exp.h states it.
constexpr double errorOfExp = 2e-7, errorOfTanh = 3e-7;

/// Beside the special numbers, some of every size: from `most` down to the smallest.
std::vector<float> arguments(Random& random, Index lanes, float most) {
  std::vector<float> numbers = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, FLT_MIN, -FLT_TRUE_MIN, FLT_MAX, -FLT_MAX};
  for (int n = 0; n < 20000; n++) numbers.push_back(random.number() * most);
  for (int n = 0; n < 20000; n++) numbers.push_back(random.number() * ldexpf(1, -static_cast<int>(random.below(140))));
  while (static_cast<Index>(numbers.size()) % lanes != 0) numbers.push_back(0);
  return numbers;
}

template <class Check>
void runFunction(const Kernels& kernels, Report& report, const char* name,
                 void (*function)(const float*, Index, float*), const std::vector<float>& from, Check check) {
  report.begin("%s %s of %zu numbers", kernels.name, name, from.size());
  const Index count = static_cast<Index>(from.size());
  const Guarded<float> to(count, Side::behind);
  function(from.data(), count, to.data());
  for (Index n = 0; n < count; n++) check(to, n, from[static_cast<size_t>(n)]);
  report.expectUntouched(name, to);
  report.end();
}

void runExp(const Kernels& kernels, Report& report, Random& random) {
  const auto check = [&](const Guarded<float>& to, Index n, float x) {
    // Above 88 nobody asks: scores are taken relative to their maximum.
    if (x > 88) return to.forget(n);
    const double wanted = exp(static_cast<double>(x));
    // Where numbers lose their exponents they are cut off; x far from 0 has its own error in r = x - n ln 2.
    const double tolerance = x < -87 ? 1.2e-38 : wanted * (errorOfExp + 3e-9 * fabs(static_cast<double>(x)));
    report.compare("exp", to, n, x < -88.1 ? 0 : wanted, x < -88.1 ? 0 : tolerance);
  };
  runFunction(kernels, report, "exp", kernels.functions->exp, arguments(random, kernels.edges->lanes, 100), check);
}

void runTanh(const Kernels& kernels, Report& report, Random& random) {
  const auto check = [&](const Guarded<float>& to, Index n, float x) {
    const double wanted = tanh(static_cast<double>(x));
    // Relative to the result however small: the product with the cap is off by no more. Below the smallest normal
    // number there are fewer bits.
    report.expect(!(fabs(static_cast<double>(to[n])) > 1), "tanh(%.9g) is beyond 1", static_cast<double>(x));
    report.compare("tanh", to, n, wanted, fabs(wanted) * errorOfTanh + 3e-45);
  };
  runFunction(kernels, report, "tanh", kernels.functions->tanh, arguments(random, kernels.edges->lanes, 12), check);
}

/// Every pattern, the rows beginning and ending anywhere.
void runWiden(const Kernels& kernels, Report& report, Random& random, Index storage) {
  report.begin("%s widen, storage %td", kernels.name, storage);
  constexpr Index patterns = 65536;
  for (Index first = 0; first < patterns;) {
    const Index rest = patterns - first, drawn = random.below(5 * kernels.edges->lanes);
    const Index count = drawn < rest ? drawn : rest;
    const Side side = random.once(2) ? Side::behind : Side::before;
    const Guarded<unsigned short> from(count, side);
    const Guarded<float> to(count, side);
    for (Index n = 0; n < count; n++) from[n] = static_cast<unsigned short>(first + n);
    kernels.functions->widen(storage, from.data(), count, to.data());
    for (Index n = 0; n < count; n++) {
      const float wanted = decodeHalf(storage, from[n]);
      report.expect(isnan(wanted) || signbit(wanted) == signbit(to[n]), "%04x has lost its sign", from[n]);
      report.compare("widened", to, n, wanted, 0);
    }
    report.expectUntouched("widened", to);
    first += count;
  }
  report.end();
}

/// The tests' own way from float32 to 16 bits, which the cases of attention take.
void runEncode(Report& report, Index storage) {
  report.begin("encode, storage %td", storage);
  for (int bits = 0; bits < 65536; bits++) {
    const float number = decodeHalf(storage, static_cast<unsigned short>(bits));
    const unsigned short encoded = encodeHalf(storage, number);
    const bool isSame = isnan(number) ? isnan(decodeHalf(storage, encoded)) : encoded == bits;
    report.expect(isSame, "%04x became %04x", static_cast<unsigned>(bits), encoded);
  }
  report.end();
}

}  // namespace

void runFunctionCases(const Kernels& kernels, Report& report) {
  Random random(4);
  runExp(kernels, report, random);
  runTanh(kernels, report, random);
  for (const Index storage : {float16, bfloat16}) {
    runWiden(kernels, report, random, storage);
    runEncode(report, storage);
  }
}

}  // namespace headpool::test
