// What the WebAssembly module exports: the shared source at 4 lanes, tiled for 16 vector registers.
#include "source/compiled.h"
#include "source/parameter_names.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace headpool {
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
constexpr const Operations& operations = Compiled<Target>::operations;

/// Takes parameters from 32-bit words, as they are: a number each, an operand's address and, unless that is 0, strides.
class Words {
  const int* next;

  template <class T>
  T* pointer() {
    return reinterpret_cast<T*>(*next++);
  }

 public:
  explicit Words(const int* words) : next(words) {}

  Index panelColumns() const { return operations.panelColumns; }
  void require(bool, const char*) {}
  Index endOf(const int*, Index) { return 0; }
  void integer(const char*, Index& to, Index = 0) { to = *next++; }
  void bound(const char*, Index& to) { to = *next++; }
  void number(const char*, float& to) { __builtin_memcpy(&to, next++, sizeof to); }
  template <class T>
  void run(const char*, T*& to, const Extent&, Presence) {
    to = pointer<T>();
  }
  template <class T>
  void operand(const char*, Strided<T>& to, const Extent&, Presence) {
    to.data = pointer<T>();
    if (!to) return;
    to.headStride = *next++;
    to.rowStride = *next++;
    to.columnStride = *next++;
  }
  void stored(const char* name, Strided<const void>& to, Index, const Extent& extent) {
    operand(name, to, extent, required);
  }
  void scratch(const char*, float*& to, Index, Index) { to = pointer<float>(); }
};

template <class Parameters>
Parameters parametersAt(const int* words) {
  Words next(words);
  Parameters parameters{};
  read(next, parameters);
  return parameters;
}

ParameterNames names;

}  // namespace
}  // namespace headpool

using namespace headpool;

EXPORT int panelColumns() { return operations.panelColumns; }

EXPORT int scratchFloats(int headDim, int valueDim) { return operations.scratchFloats(headDim, valueDim); }

EXPORT void pack(const int* words) { operations.pack(parametersAt<Packing>(words)); }

EXPORT void project(const int* words) { operations.project(parametersAt<Projection>(words)); }

EXPORT void attend(const int* words) { operations.attend(parametersAt<Attention>(words)); }

EXPORT void merge(const int* words) { operations.merge(parametersAt<Merge>(words)); }

/// operations.flopPerRound FLOP a round.
EXPORT float multiplyAddRounds(int rounds, float seed) { return operations.multiplyAddRounds(rounds, seed); }

EXPORT float sumFloats(const float* data, int count) { return operations.sumFloats(data, count); }

EXPORT const char* parameterNames() { return names.list(); }
