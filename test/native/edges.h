// The sizes at which one instruction set's kernels change what they do: kernels.cc copies them from its Target.
#pragma once
#include "source/operations.h"

namespace headpool {

struct Edges {
  Index lanes;
  Index blockRows;
  Index tileKeys;
  Index depthBlock;
};

namespace avx512 {
extern const Edges edges;
}
namespace avx2 {
extern const Edges edges;
}
namespace baseline {
extern const Edges edges;
}
namespace neon {
extern const Edges edges;
}
namespace emulated {
extern const Operations operations;
extern const Edges edges;
}  // namespace emulated

}  // namespace headpool
