// The harness must fail on seeded faults, or its silence means nothing.
#include <signal.h>
#include <sys/wait.h>

#include "attention_check.h"
#include "cases.h"

namespace headpool::test {

namespace {

volatile float sink;

/// Whether `fault` ends the process that runs it, by a signal or by a sanitizer.
template <class Fault>
bool isDeadly(Fault fault) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    // Dies as it would without sanitizers, and without their report: the guard alone must do.
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    if (!freopen("/dev/null", "w", stderr)) _exit(0);
    fault();
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

/// Whether a case of attention fails that `seed` draws, where `before` changes what the kernel is asked for and `after`
/// its results.
template <class Before, class After>
bool isFound(const Operations& operations, uint64_t seed, Before before, After after) {
  Random random(seed);
  const AttentionOperands operands(random, {7, 3, 140, 19, 21, 1}, operations.scratchFloats(19, 21));
  Report report(true);
  report.begin("self-test");
  Attention asked = operands.a;
  before(asked);
  operations.attend(asked);
  after(operands);
  checkAttention(report, operands);
  report.end();
  return report.failed() == 1;
}

constexpr uint64_t seeds = 60;

/// Whether the check finds the fault in most of the cases that can have it, and nothing in the others; `before` and
/// `after` return whether a case can.
template <class Before, class After>
bool isMostlyFound(const Operations& operations, Before before, After after) {
  int faults = 0, found = 0;
  bool isGood = true;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    bool isFault = false;
    const bool isNoticed = isFound(
        operations, seed, [&](Attention& a) { isFault |= before(a); },
        [&](const AttentionOperands& o) { isFault |= after(o); });
    isGood = isGood && (isFault || !isNoticed);
    faults += isFault;
    found += isFault && isNoticed;
  }
  return isGood && faults > 4 && found > faults / 2;
}

/// A fault in what the kernel is asked for: as if it did not know the option, or took another number.
template <class Before>
bool isMissed(const Operations& operations, Before before) {
  return !isMostlyFound(operations, before, [](const AttentionOperands&) { return false; });
}

/// A fault in a result that is there in some cases only: every number of it a little off.
template <class ResultOf>
bool isWrongMissed(const Operations& operations, ResultOf resultOf) {
  return !isMostlyFound(
      operations, [](Attention&) { return false; },
      [=](const AttentionOperands& o) {
        const Guarded<float>* const result = resultOf(o);
        if (!result) return false;
        for (float& number : *result)
          if (!isnan(number)) number += 1e-2f;
        return true;
      });
}

/// Whether an operand was there until now.
template <class T>
bool remove(Strided<T>& operand) {
  const bool wasThere{operand};
  operand.data = nullptr;
  return wasThere;
}

bool expect(const char* what, bool isTrue) {
  if (!isTrue) printf("FAILED self-test: %s\n", what);
  return isTrue;
}

bool testGuards(const Operations& operations) {
  const Guarded<float> behind(21, Side::behind), before(21, Side::before);
  // Volatile, so that the compiler neither sees nor drops the fault.
  const volatile Index one = 1;
  bool isGood = true;
  isGood &= expect("a read inside is fine", !isDeadly([&] { sink = behind[21 - one]; }));
  isGood &= expect("a read behind a tensor is deadly", isDeadly([&] { sink = behind[20 + one]; }));
  isGood &= expect("a read in front of a tensor is deadly", isDeadly([&] { sink = before[-one]; }));
  isGood &= expect("a kernel that reads a whole tensor is fine",
                   !isDeadly([&] { sink = operations.sumFloats(behind.data(), 21); }));
  isGood &= expect("a kernel that reads one float too many is deadly",
                   isDeadly([&] { sink = operations.sumFloats(behind.data(), 21 + one); }));
  isGood &= expect("a kernel that starts one float too early is deadly",
                   isDeadly([&] { sink = operations.sumFloats(before.data() - one, 21); }));
  return isGood;
}

/// A read behind numbers of 16 bits, the smallest step there is.
bool testGuardsOfHalves(const Functions& functions) {
  const Guarded<unsigned short> behind(21, Side::behind), before(21, Side::before);
  const volatile Index one = 1;
  float to[22];
  bool isGood = true;
  isGood &=
      expect("16 bits: a read inside is fine", !isDeadly([&] { functions.widen(float16, behind.data(), 21, to); }));
  isGood &= expect("16 bits: one number too many is deadly",
                   isDeadly([&] { functions.widen(float16, behind.data(), 21 + one, to); }));
  isGood &= expect("16 bits: one number too early is deadly",
                   isDeadly([&] { functions.widen(float16, before.data() - one, 21, to); }));
  return isGood;
}

bool testResults(const Operations& operations) {
  const auto none = [](auto&) { return false; };
  const auto written = [](const AttentionOperands& o) {
    bool isGap = false;
    for (float& gap : *o.output) {
      if (!isnan(gap)) continue;
      gap = 0;
      isGap = true;
    }
    return isGap;
  };
  const auto notANumber = [](const AttentionOperands& o) {
    const bool wasNumber = !isnan((*o.output)[0]);
    (*o.output)[0] = NAN;
    return wasNumber;
  };
  bool isGood = true;
  for (uint64_t seed = 1; seed <= seeds; seed++)
    isGood &= expect("right results pass", !isFound(operations, seed, none, none));
  isGood &= expect("a NaN is found", isMostlyFound(operations, none, notANumber));
  isGood &= expect("a write between the results is found", isMostlyFound(operations, none, written));
  const auto find = [&](const char* what, auto resultOf) {
    isGood &= expect(what, !isWrongMissed(operations, resultOf));
  };
  find("a wrong output is found", [](const AttentionOperands& o) { return o.output.get(); });
  find("a wrong weight is found", [](const AttentionOperands& o) { return o.weights.get(); });
  find("a wrong score is found", [](const AttentionOperands& o) { return o.scores.get(); });
  find("a wrong statistic is found", [](const AttentionOperands& o) { return o.statistics.get(); });
  find("a wrong logSumExp is found", [](const AttentionOperands& o) { return o.logSumExp.get(); });
  return isGood;
}

bool testOptions(const Operations& operations) {
  bool isGood = true;
  const auto find = [&](const char* what, auto fault) { isGood &= expect(what, !isMissed(operations, fault)); };
  find("a cap that is ignored is found", [](Attention& a) {
    const bool isFault = a.rules.softcap > 0;
    a.rules.softcap = 0;
    return isFault;
  });
  find("slopes that are ignored are found", [](Attention& a) { return remove(a.rules.alibiSlopes); });
  find("sinks that are ignored are found", [](Attention& a) { return remove(a.rules.sinks); });
  find("factors of heads that are ignored are found", [](Attention& a) { return remove(a.headScale); });
  find("a position that is off by one is found", [](Attention& a) {
    a.position++;
    return a.rules.alibiSlopes || a.statistics;
  });
  find("scores of another stage are found", [](Attention& a) {
    const bool isFault =
        a.scores && a.scores.stage != softcapped && (a.rules.softcap > 0 || a.rules.alibiSlopes || a.rules.bias);
    a.scores.stage = softcapped;
    return isFault;
  });
  find("numbers of the other 16 bits are found", [](Attention& a) {
    const bool isFault = a.storage != float32;
    if (isFault) a.storage = float16 + bfloat16 - a.storage;
    return isFault;
  });
  int swapped[2];
  find("a page taken for another is found", [&](Attention& a) {
    // Where the second page has as many rows as the first, in the tensor as well.
    if (!a.pages.table || a.pages.pageKeys != wholePage) return false;
    swapped[0] = a.pages.table[0];
    swapped[1] = a.pages.table[0];
    a.pages.table = swapped;
    return true;
  });
  return isGood;
}

}  // namespace

bool runSelfTest(const Kernels& kernels) {
  bool isGood = testGuards(*kernels.operations);
  isGood &= testGuardsOfHalves(*kernels.functions);
  isGood &= testResults(*kernels.operations);
  isGood &= testOptions(*kernels.operations);
  return isGood;
}

}  // namespace headpool::test
