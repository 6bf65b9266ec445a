// Prints the instruction sets that this processor runs, so that no other is compiled.
#include <stdio.h>

#include "native/instruction-sets.h"

namespace headpool {

// What the table refers to; nobody runs it.
#if defined(__x86_64__)
namespace baseline {
const Operations operations{};
}
#else
namespace neon {
const Operations operations{};
}
#endif

}  // namespace headpool

int main() {
  for (const headpool::InstructionSet& set : headpool::instructionSets)
    if (set.isSupported()) printf("%s\n", set.name);
}
