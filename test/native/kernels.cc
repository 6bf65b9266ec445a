// The kernels of one instruction set as operations.cc compiles them, and the sizes that the cases turn around. In one
// file, because the target has no name outside it.
#include "native/operations.cc"

#include "edges.h"

namespace headpool::HEADPOOL_SET {

const Edges edges = {Target::lanes, Target::blockRows, Target::tileKeys, Target::depthBlock};

}  // namespace headpool::HEADPOOL_SET
