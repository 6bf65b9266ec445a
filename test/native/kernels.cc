// The kernels of one instruction set as operations.cc compiles them, and what else the tests turn around. In one file,
// because the target has no name outside it.
#include "native/operations.cc"

#include "internals.h"

namespace headpool::HEADPOOL_SET {

namespace {

constexpr int L = Target::lanes;

template <Floats<L> (*Function)(Floats<L>)>
void onVectors(const float* from, Index count, float* to) {
  for (Index n = 0; n < count; n += L) store<L>(to + n, Function(load<L>(from + n)));
}

template <int L>
void widen(Index storage, const unsigned short* from, Index count, float* to) {
  if (storage == float16)
    widenRow<L, StoredFloat16>(from, count, to);
  else
    widenRow<L, StoredBfloat16>(from, count, to);
}

}  // namespace

const Internals internals = {
    {Target::lanes, Target::blockRows, Target::tileKeys, Target::depthBlock},
    {onVectors<exp<L>>, onVectors<tanh<L>>, widen<L>},
};

}  // namespace headpool::HEADPOOL_SET
