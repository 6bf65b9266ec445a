// The operations of one target, a type that says how the templates are to be instantiated:
//   lanes            float32 numbers in a vector
//   sums             vectors of sums that the registers hold beside the operands of a multiply-add
//   attendVectors    vectors side by side in a register tile of attention
//   projectVectors   and of a product with weights
//   blockRows        rows of a block of attention
//   tileKeys         keys of a tile of attention
//   depthBlock       steps of a product that a panel takes at a time
#pragma once
#include "attention.h"
#include "limits.h"
#include "merge.h"
#include "project.h"
#include "row_attention.h"

namespace headpool {
namespace {

template <class Target>
struct Compiled {
  static constexpr int chains = 12;
  static constexpr int flopPerRound = 2 * Target::lanes * chains;

  static Index scratchFloats(Index headDim, Index valueDim) {
    const Index block = FusedAttention<Target>::scratchFloats(headDim, valueDim);
    const Index rows = RowAttention<Target, StoredFloat32>::scratchFloats(headDim, valueDim);
    return block > rows ? block : rows;
  }

  static void attend(const Attention& a) {
    if (!a.isDecoding) {
      FusedAttention<Target>::run(a);
    } else if (a.storage == float16) {
      RowAttention<Target, StoredFloat16>::run(a);
    } else if (a.storage == bfloat16) {
      RowAttention<Target, StoredBfloat16>::run(a);
    } else {
      RowAttention<Target, StoredFloat32>::run(a);
    }
  }

  static constexpr Operations operations{
      Project<Target>::width,   flopPerRound, scratchFloats,        Project<Target>::pack,
      Project<Target>::run,     attend,       merge<Target::lanes>, multiplyAddRounds<Target::lanes, chains>,
      sumFloats<Target::lanes>,
  };
};

}  // namespace
}  // namespace headpool
