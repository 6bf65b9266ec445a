// What the WebAssembly module exports: the shared source at 4 lanes, tiled for 16 vector registers.
// A parameter block is the C++ struct itself, which the caller writes as a row of 32-bit words.
#include "source/attention.h"
#include "source/gemm.h"
#include "source/peak.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
// 4 rows x 2 vectors: 8 sums, 2 operands and a broadcast fit the 15 registers that V8 leaves on x86.
constexpr int lanes = 4;
constexpr int tileRows = 4;
constexpr int vectors = 2;
// Measured best of 16 to 64 rows x 32 to 128 keys: the score tile (12 KiB) stays in L1 beside what streams past it.
constexpr int blockRows = 48;
constexpr int tileKeys = 64;
using Fused = headpool::FusedAttention<lanes, tileRows, vectors, blockRows, tileKeys>;
}  // namespace

EXPORT int panelColumns() { return lanes * vectors; }

EXPORT int scratchFloats(int headDim, int valueDim) { return Fused::scratchFloats(headDim, valueDim); }

EXPORT void pack(const float* weight, const float* bias, int columns, int depth, float* panels) {
  headpool::packPanels<lanes, vectors>(weight, bias, columns, depth, panels);
}

EXPORT void project(const headpool::Projection* p) { headpool::project<lanes, tileRows, vectors>(*p); }

EXPORT void attend(const headpool::Attention* a) { Fused::run(*a); }

/// 2 * 4 * 12 FLOP a round.
EXPORT float multiplyAddRounds(int rounds, float seed) {
  return headpool::multiplyAddRounds<lanes, 12>(rounds, seed);
}
