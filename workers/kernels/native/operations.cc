// The shared source for one instruction set. tools/addons.mjs compiles this file once a set, with that set's
// flags and its name in HEADPOOL_SET; what comes out is the table `headpool::<set>::operations`.
#include "source/compiled.h"

namespace headpool::HEADPOOL_SET {

namespace {

// The register tiles: as many sums as the vector registers hold beside the operands of a step.
#if defined(__AVX512F__)
// 32 registers: 8 rows x 3 vectors in attention, 12 x 2 in products.
struct Target {
  static constexpr int lanes = 16;
  static constexpr int sums = 24;
  static constexpr int attendVectors = 3;
  static constexpr int projectVectors = 2;
  static constexpr int blockRows = 96;
  static constexpr int tileKeys = 64;
  static constexpr int depthBlock = 512;
};
#elif defined(__AVX2__)
// 16 registers: 4 rows x 3 vectors in attention, 6 x 2 in products, whose panels of 16 columns divide the usual heads.
struct Target {
  static constexpr int lanes = 8;
  static constexpr int sums = 12;
  static constexpr int attendVectors = 3;
  static constexpr int projectVectors = 2;
  static constexpr int blockRows = 48;
  static constexpr int tileKeys = 128;
  static constexpr int depthBlock = 512;
};
#elif defined(__aarch64__)
// 32 registers: 8 rows x 3 vectors in attention, 6 x 4 in products.
struct Target {
  static constexpr int lanes = 4;
  static constexpr int sums = 24;
  static constexpr int attendVectors = 3;
  static constexpr int projectVectors = 4;
  static constexpr int blockRows = 48;
  static constexpr int tileKeys = 64;
  static constexpr int depthBlock = 512;
};
#else
// 16 registers, one for the product that has no fused addition: 3 rows x 3 vectors in attention, 2 x 4 in products.
struct Target {
  static constexpr int lanes = 4;
  static constexpr int sums = 11;
  static constexpr int attendVectors = 3;
  static constexpr int projectVectors = 4;
  static constexpr int blockRows = 48;
  static constexpr int tileKeys = 64;
  static constexpr int depthBlock = 512;
};
#endif

}  // namespace

extern const Operations operations;
const Operations operations = Compiled<Target>::operations;

}  // namespace headpool::HEADPOOL_SET
