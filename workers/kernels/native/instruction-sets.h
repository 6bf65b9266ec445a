// The instruction sets of this build's architecture, best first, and which of them the processor and its operating
// system run. tools/build-native.mjs defines HEADPOOL_HAS_… for those that the compiler knows.
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

// Not every compiler knows "f16c" as a feature to ask for; its registers are those of AVX.
inline bool hasF16c() {
  unsigned a, b, c = 0, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29));
}

// The built-in functions look at what the operating system saves of the registers too (xgetbv).
inline bool hasAvx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && hasF16c();
}

// That object is compiled with AVX2, FMA and F16C besides.
inline bool hasAvx512() {
  return hasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

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
