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

/// Whether a case of attention fails after `fault` has changed its results.
template <class Fault>
bool isFound(const Operations& operations, Fault fault) {
  Random random(7);
  const AttentionOperands operands(random, {7, 3, 37, 19, 21, 1}, operations.scratchFloats(19, 21));
  Report report(true);
  report.begin("self-test");
  operations.attend(operands.a);
  fault(operands);
  checkAttention(report, operands);
  report.end();
  return report.failed() == 1;
}

bool expect(const char* what, bool isTrue) {
  if (!isTrue) printf("FAILED self-test: %s\n", what);
  return isTrue;
}

}  // namespace

bool runSelfTest(const Kernels& kernels) {
  const Operations& operations = *kernels.operations;
  const Guarded<float> behind(21, Side::behind), before(21, Side::before);
  // Volatile, so that the compiler neither sees nor drops the fault.
  const volatile Index one = 1;
  const auto none = [](const AttentionOperands&) {};
  const auto wrongNumber = [](const AttentionOperands& o) { (*o.output)[20] += 1e-3f; };
  const auto notANumber = [](const AttentionOperands& o) { (*o.output)[0] = NAN; };
  const auto written = [](const AttentionOperands& o) {
    for (float& gap : *o.output)
      if (isnan(gap)) gap = 0;
  };
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
  isGood &= expect("right results pass", !isFound(operations, none));
  isGood &= expect("a wrong number is found", isFound(operations, wrongNumber));
  isGood &= expect("a NaN is found", isFound(operations, notANumber));
  isGood &= expect("a write between the results is found", isFound(operations, written));
  return isGood;
}

}  // namespace headpool::test
