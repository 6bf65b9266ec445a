// What the tests know of one instruction set's kernels beside their operations: kernels.cc takes it from its Target.
#pragma once
#include "source/operations.h"

namespace headpool {

/// The sizes at which the kernels change what they do.
struct Edges {
  Index lanes;
  Index blockRows;
  Index tileKeys;
  Index depthBlock;
};

/// What the kernels are made of, on `count` numbers, a multiple of the lanes; `widen` takes any count.
struct Functions {
  void (*exp)(const float* from, Index count, float* to);
  void (*tanh)(const float* from, Index count, float* to);
  void (*widen)(Index storage, const unsigned short* from, Index count, float* to);
};

struct Internals {
  Edges edges;
  Functions functions;
};

namespace avx512 {
extern const Internals internals;
}
namespace avx2 {
extern const Internals internals;
}
namespace baseline {
extern const Internals internals;
}
namespace neon {
extern const Internals internals;
}
namespace emulated {
extern const Operations operations;
extern const Internals internals;
}  // namespace emulated

}  // namespace headpool
