// What the WebAssembly module exports: the shared source at 4 lanes, tiled for 16 vector registers.
// A parameter block is the C++ struct itself, which the caller writes as a row of 32-bit words.
#include "source/compiled.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct Target {
  static constexpr int lanes = 4;
  // 4 rows x 2 vectors: 8 sums, 2 operands and a broadcast fit the 15 registers that V8 leaves on x86.
  static constexpr int sums = 8;
  static constexpr int attendVectors = 2;
  static constexpr int projectVectors = 2;
  // Measured best of 16 to 64 rows x 32 to 128 keys: the score tile (12 KiB) stays in L1 beside what streams past it.
  static constexpr int blockRows = 48;
  static constexpr int tileKeys = 64;
  static constexpr int depthBlock = 512;
};
using Compiled = headpool::Compiled<Target>;

}  // namespace

EXPORT int panelColumns() { return Compiled::operations.panelColumns; }

EXPORT int scratchFloats(int headDim, int valueDim) { return Compiled::scratchFloats(headDim, valueDim); }

EXPORT void pack(const float* weight, const float* bias, int columns, int depth, float* panels) {
  Compiled::operations.pack({weight, bias, columns, depth, panels});
}

EXPORT void project(const headpool::Projection* p) { Compiled::operations.project(*p); }

EXPORT void attend(const headpool::Attention* a) { Compiled::attend(*a); }

EXPORT void merge(const headpool::Merge* m) { Compiled::operations.merge(*m); }

/// Compiled::operations.flopPerRound FLOP a round.
EXPORT float multiplyAddRounds(int rounds, float seed) { return Compiled::operations.multiplyAddRounds(rounds, seed); }

EXPORT float sumFloats(const float* data, int count) { return Compiled::operations.sumFloats(data, count); }
