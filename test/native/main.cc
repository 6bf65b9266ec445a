// Runs the kernels of every instruction set that this processor runs, with guard pages around every tensor and the
// sanitizers that run.mjs compiled in. `--self-test` runs the harness on seeded faults instead.
#include <signal.h>
#include <time.h>

#include <vector>

#include "cases.h"
#include "native/instruction-sets.h"

#if defined(HEADPOOL_SANITIZED)
#include <sanitizer/common_interface_defs.h>
// The kernels allocate nothing.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace headpool::test {

namespace {

#if defined(HEADPOOL_HAS_EMULATED)
// Where the processor has no AVX-512, at least the shapes that its kernels compute in.
constexpr Kernels emulatedAvx512 = {"emulated", "AVX-512's shapes", &emulated::operations, &emulated::internals.edges,
                                    &emulated::internals.functions};
#endif

const Internals* internalsOf(const InstructionSet& set) {
#if defined(HEADPOOL_HAS_AVX512)
  if (set.operations == &avx512::operations) return &avx512::internals;
#endif
#if defined(HEADPOOL_HAS_AVX2)
  if (set.operations == &avx2::operations) return &avx2::internals;
#endif
#if defined(__x86_64__)
  return set.operations ? &baseline::internals : nullptr;
#else
  return set.operations ? &neon::internals : nullptr;
#endif
}

bool isRunnable(const InstructionSet& set) { return set.operations && set.isSupported(); }

std::vector<Kernels> findKernels() {
  std::vector<Kernels> found;
  for (const InstructionSet& set : instructionSets) {
    if (!isRunnable(set)) continue;
    const Internals& internals = *internalsOf(set);
    found.push_back({set.name, set.title, set.operations, &internals.edges, &internals.functions});
  }
#if defined(HEADPOOL_HAS_EMULATED)
  found.push_back(emulatedAvx512);
#endif
  return found;
}

void printLeftOut() {
  for (const InstructionSet& set : instructionSets)
    if (!isRunnable(set)) printf("%-9s left out: %s\n", set.name, set.isSupported() ? "not compiled" : set.lack);
}

double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void nameCase() {
  if (Report::current[0] != '\0') fprintf(stderr, "\nDIED in %s\n", Report::current);
}

#if !defined(HEADPOOL_SANITIZED)
void onFault(int) {
  nameCase();
  _exit(1);
}
#endif

void watchForDeath() {
#if defined(HEADPOOL_SANITIZED)
  __sanitizer_set_death_callback(nameCase);
#else
  signal(SIGSEGV, onFault);
  signal(SIGBUS, onFault);
#endif
}

int selfTest() {
  bool isGood = true;
  for (const Kernels& kernels : findKernels()) isGood &= runSelfTest(kernels);
  if (isGood) printf("self-test: seeded faults are found\n");
  return isGood ? 0 : 1;
}

int runAll() {
  watchForDeath();
  printLeftOut();
  int passed = 0, failed = 0;
  for (const Kernels& kernels : findKernels()) {
    Report report;
    const double start = seconds();
    runAttentionCases(kernels, report);
    runDecodingCases(kernels, report);
    runProjectionCases(kernels, report);
    runFunctionCases(kernels, report);
    printf("%-9s %d cases, %d failed, %.1f s (%s)\n", kernels.name, report.passed() + report.failed(), report.failed(),
           seconds() - start, kernels.title);
    fflush(stdout);
    passed += report.passed();
    failed += report.failed();
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 ? 1 : 0;
}

}  // namespace

}  // namespace headpool::test

int main(int argc, char** argv) {
  const bool isSelfTest = argc > 1 && strcmp(argv[1], "--self-test") == 0;
  return isSelfTest ? headpool::test::selfTest() : headpool::test::runAll();
}
