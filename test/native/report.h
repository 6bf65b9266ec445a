// Counts the cases that passed and failed, says what was wrong, and names the case in which a program died.
#pragma once
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "guarded.h"

namespace headpool::test {

class Report {
  static constexpr int mostPrinted = 20;

  bool isSilent;
  bool isGood = true;
  int passedCases = 0;
  int failedCases = 0;

 public:
  /// What runs now, for the message of a program that dies.
  static inline char current[1024] = "";

  explicit Report(bool silent = false) : isSilent(silent) {}

  int passed() const { return passedCases; }
  int failed() const { return failedCases; }

  __attribute__((format(printf, 2, 3))) void begin(const char* format, ...) {
    isGood = true;
    va_list details;
    va_start(details, format);
    vsnprintf(current, sizeof current, format, details);
    va_end(details);
  }

  void end() {
    (isGood ? passedCases : failedCases)++;
    current[0] = '\0';
  }

  /// One line a case: the first thing that was wrong in it.
  __attribute__((format(printf, 3, 4))) void expect(bool isTrue, const char* format, ...) {
    if (isTrue) return;
    if (isGood && !isSilent && failedCases < mostPrinted) {
      va_list details;
      va_start(details, format);
      printf("FAILED %s: ", current);
      vprintf(format, details);
      printf("\n");
      va_end(details);
    }
    isGood = false;
  }

  /// Compares element n of a result and forgets it; NaN and the infinities must be met exactly.
  void compare(const char* what, const Guarded<float>& result, Index n, double wanted, double tolerance) {
    const double got = result[n];
    const bool isMet = wanted != wanted     ? got != got
                       : isinf(wanted) != 0 ? got == wanted
                                            : fabs(got - wanted) <= tolerance;
    expect(isMet, "%s[%td] is %.9g instead of %.9g (tolerance %.1e)", what, n, got, wanted, tolerance);
    result.forget(n);
  }

  /// After the results were compared: nothing else may have been written.
  void expectUntouched(const char* what, const Guarded<float>& result) {
    expect(result.isUntouched(), "%s was written where no result belongs", what);
  }
};

}  // namespace headpool::test
