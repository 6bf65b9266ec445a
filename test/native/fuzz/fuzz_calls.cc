// Calls of the operations of one instruction set with numbers and arrays that libFuzzer chooses: whatever they are,
// nothing outside the arrays is read or written. Clang's sanitizers find it where something is.
#include "stand_in.h"

#include "native/calls.h"

namespace headpool::HEADPOOL_SET {
extern const Operations operations;
}

namespace headpool::test {
namespace {

/// The bytes of a case, one choice after another; zeros after their end.
class Choices {
  const uint8_t* next;
  const uint8_t* end;

 public:
  Choices(const uint8_t* bytes, size_t count) : next(bytes), end(bytes + count) {}
  unsigned byte() { return next < end ? *next++ : 0; }

  /// Mostly what a size, a stride or an offset may be. Sizes in between would be right and take minutes.
  double number() {
    static constexpr double odd[] = {-1, 0.5, 127, 128, 1024, 2147483648.0, 4294967296.0, 4503599627370496.0, 9007199254740992.0,
                                     4.6e18, 9.3e18, -9007199254740992.0, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
    const unsigned chosen = byte();
    return chosen < 240 ? chosen % 24 : odd[chosen - 240 < 15 ? chosen - 240 : 14];
  }

  Value array() {
    static constexpr napi_typedarray_type kinds[] = {napi_float32_array, napi_float32_array, napi_float32_array,
                                                     napi_float32_array, napi_uint8_array,   napi_uint16_array,
                                                     napi_int32_array,   napi_float64_array};
    const unsigned kind = byte();
    if (kind >= 248) return {};
    Value value{true, kinds[kind % 8], byte() * (kind < 64 ? 1u : kind < 192 ? 16u : 1024u), nullptr};
    value.data = calloc(value.length, bytesPerElement(value.type));
    // Of a mask, which leaves out where it is 0: every third.
    for (size_t n = 0; value.type == napi_uint8_array && n < value.length; n++)
      static_cast<uint8_t*>(value.data)[n] = n % 3 != 0;
    return value;
  }
};

void run(napi_callback operation, Choices choices) {
  constexpr size_t most = 24;
  Value values[most];
  size_t count = 0;
  const size_t numberCount = 16 + choices.byte() % 112;
  values[count] = {true, napi_float64_array, numberCount, calloc(numberCount, sizeof(double))};
  const size_t arrays = 1 + choices.byte() % 20;
  while (count < arrays) values[++count] = choices.array();
  for (size_t n = 0; n < numberCount; n++) static_cast<double*>(values[0].data)[n] = choices.number();
  CallInfo info{values, count + 1, &HEADPOOL_SET::operations};
  operation(nullptr, reinterpret_cast<napi_callback_info>(&info));
  for (size_t n = 0; n <= count; n++) free(values[n].data);
}

}  // namespace
}  // namespace headpool::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  using namespace headpool;
  static constexpr napi_callback operations[] = {
      call<Packing, &Operations::pack>, call<Projection, &Operations::project>, call<Attention, &Operations::attend>,
      call<Merge, &Operations::merge>,  scratchFloats,                          sum,
  };
  if (count == 0) return 0;
  test::run(operations[bytes[0] % (sizeof operations / sizeof *operations)], test::Choices(bytes + 1, count - 1));
#if defined(HEADPOOL_WHOLE_CALLS)
  if (test::thrownErrors > 0) __builtin_trap();
#endif
  return 0;
}
