// What the operations of a binding take, as text: a test compares it with what parameters.ts writes.
#pragma once
#include "parameters.h"

namespace headpool {

/// A Reader that takes nothing and notes the kind and the name of every parameter, a line each.
class ParameterNames {
  char text[2048] = {};
  Index length = 0;

  void note(const char* kind, const char* name) {
    const char* const words[] = {kind, " ", name, "\n"};
    for (const char* word : words)
      for (; *word && length + 1 < Index{sizeof text}; word++) text[length++] = *word;
  }

 public:
  /// All parameters of all operations.
  const char* list() {
    length = 0;
    noteCall<Packing>("pack");
    noteCall<Projection>("project");
    noteCall<Attention>("attend");
    noteCall<Merge>("merge");
    text[length] = 0;
    return text;
  }

  Index panelColumns() const { return 1; }
  void require(bool, const char*) {}
  Index endOf(const int*, Index) { return 0; }
  void integer(const char* name, Index&, Index = 0) { note("integer", name); }
  void bound(const char* name, Index&) { note("bound", name); }
  void number(const char* name, float&) { note("float", name); }
  void run(const char* name, const void*, const Extent&, Presence) { note("run", name); }
  template <class T>
  void operand(const char* name, Strided<T>&, const Extent&, Presence) {
    note("operand", name);
  }
  void stored(const char* name, Strided<const void>&, Index, const Extent&) { note("operand", name); }
  void scratch(const char* name, const float*, Index, Index) { note("scratch", name); }

 private:
  template <class Parameters>
  void noteCall(const char* operation) {
    note("operation", operation);
    Parameters parameters{};
    read(*this, parameters);
  }
};

}  // namespace headpool
