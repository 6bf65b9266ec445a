// The instruction sets of this build's architecture, best first, and which of them the processor and its operating
// system run. tools/addons.mjs defines HEADPOOL_HAS_… for those that the compiler knows.
#pragma once
#include "source/operations.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace headpool {

namespace avx512 {
extern const Operations operations;
}
namespace avx2 {
extern const Operations operations;
}
namespace baseline {
extern const Operations operations;
}
namespace neon {
extern const Operations operations;
}

#if defined(HEADPOOL_HAS_AVX512)
#define HEADPOOL_OPERATIONS_AVX512 &avx512::operations
#else
#define HEADPOOL_OPERATIONS_AVX512 nullptr
#endif
#if defined(HEADPOOL_HAS_AVX2)
#define HEADPOOL_OPERATIONS_AVX2 &avx2::operations
#else
#define HEADPOOL_OPERATIONS_AVX2 nullptr
#endif

struct InstructionSet {
  const char* name;   // as HEADPOOL_ISA spells it
  const char* title;  // for people
  const char* lack;   // what to say where it isn't supported
  bool (*isSupported)();
  const Operations* operations;  // null where the compiler could not compile it
};

inline bool isAlways() { return true; }

#if defined(__x86_64__)

/// What the processor has, and whether the operating system saves the registers that go with it. Asked by hand: not
/// every C++ library has what __builtin_cpu_supports needs.
class Processor {
  static constexpr unsigned vectorStates = 0x6, maskAndWideStates = 0xe0;

  unsigned basic = 0, extended = 0, savedStates = 0;

  static bool hasAll(unsigned word, unsigned bits) { return (word & bits) == bits; }

 public:
  Processor() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &basic, &d) || !hasAll(basic, bit_OSXSAVE)) return;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) extended = b;
    __asm__("xgetbv" : "=a"(savedStates), "=d"(d) : "c"(0));
#if defined(__APPLE__)
    // It saves them from the first time on that a thread uses them, and denies it until then.
    savedStates |= maskAndWideStates;
#endif
  }

  bool hasAvx2() const {
    return hasAll(savedStates, vectorStates) && hasAll(basic, bit_AVX | bit_FMA | bit_F16C) &&
           hasAll(extended, bit_AVX2);
  }

  /// That object is compiled with AVX2, FMA and F16C besides.
  bool hasAvx512() const {
    return hasAvx2() && hasAll(savedStates, maskAndWideStates) &&
           hasAll(extended, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
  }
};

inline bool hasAvx2() { return Processor().hasAvx2(); }
inline bool hasAvx512() { return Processor().hasAvx512(); }

constexpr InstructionSet instructionSets[] = {
    {"avx512", "AVX-512", "this processor or its operating system lacks AVX-512 F, BW, DQ or VL", hasAvx512,
     HEADPOOL_OPERATIONS_AVX512},
    {"avx2", "AVX2 + FMA", "this processor or its operating system lacks AVX2, FMA or F16C", hasAvx2,
     HEADPOOL_OPERATIONS_AVX2},
    {"baseline", "SSE2", "", isAlways, &baseline::operations},
};

#elif defined(__aarch64__)

constexpr InstructionSet instructionSets[] = {{"neon", "NEON", "", isAlways, &neon::operations}};

#else
#error "No instruction sets are known for this architecture"
#endif

}  // namespace headpool
