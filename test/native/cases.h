// What the files of cases offer to the program.
#pragma once
#include "internals.h"
#include "report.h"

namespace headpool::test {

/// The kernels of one instruction set.
struct Kernels {
  const char* name;
  const char* title;
  const Operations* operations;
  const Edges* edges;
  const Functions* functions;
};

void runAttentionCases(const Kernels& kernels, Report& report);
void runDecodingCases(const Kernels& kernels, Report& report);
void runProjectionCases(const Kernels& kernels, Report& report);
void runFunctionCases(const Kernels& kernels, Report& report);

/// Whether the harness notices a read behind and in front of a tensor, a write into a gap and a wrong number.
bool runSelfTest(const Kernels& kernels);

}  // namespace headpool::test
