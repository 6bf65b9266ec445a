// The arguments of one call from JavaScript: a Float64Array of numbers, then typed arrays. Nothing here reaches a
// kernel unchecked; the first thing that is wrong is thrown as a JavaScript error that names it, and the call must end.
#pragma once
#include <node_api.h>
#include <stdarg.h>

#include "source/parameters.h"

namespace headpool {

struct ArrayKind {
  napi_typedarray_type type;
  const char* name;
};
constexpr ArrayKind kindOf(const float*) { return {napi_float32_array, "a Float32Array"}; }
constexpr ArrayKind kindOf(const int*) { return {napi_int32_array, "an Int32Array"}; }
constexpr ArrayKind kindOf(const unsigned short*) { return {napi_uint16_array, "a Uint16Array"}; }
constexpr ArrayKind kindOf(const unsigned char*) { return {napi_uint8_array, "a Uint8Array"}; }

/// The Reader of source/parameters.h that checks all it takes.
class Arguments {
  static constexpr size_t most = 24;
  static constexpr size_t messageLength = 160;
  static constexpr size_t cacheLine = 64;
  // Every integer up to here is a double, so sums and products that stay below are exact, and larger ones stay larger.
  static constexpr Index largestInteger = 9007199254740992;

  napi_env env;
  napi_value values[most] = {};
  size_t nextValue = 1;
  const double* numbers = nullptr;
  size_t numberCount = 0;
  size_t nextNumber = 0;
  const Operations* table = nullptr;
  bool isGood = true;

 public:
  /// Floats that `scratch` may skip at most to reach a cache line.
  static constexpr Index scratchMargin = 16;

  Arguments(napi_env environment, napi_callback_info info) : env(environment) {
    size_t count = most;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
    table = static_cast<const Operations*>(data);
    napi_typedarray_type type;
    void* elements = nullptr;
    const napi_status status =
        napi_get_typedarray_info(env, values[0], &type, &numberCount, &elements, nullptr, nullptr);
    if (status != napi_ok || type != napi_float64_array) {
      numberCount = 0;
      throwType("numbers", "a Float64Array");
    }
    numbers = static_cast<const double*>(elements);
  }

  const Operations& operations() const { return *table; }
  Index panelColumns() const { return table->panelColumns; }

  /// Whether nothing has been thrown.
  bool areGood() const { return isGood; }

  /// Throws for parameters that are right by themselves and don't go together.
  void require(bool isTrue, const char* problem) {
    if (!isTrue) throwRange("%s", problem);
  }

  /// The next number as it is.
  void number(const char*, float& to) { to = static_cast<float>(nextDouble()); }

  /// The next number, an integer >= 0.
  void integer(const char* name, Index& to, Index largest = largestInteger) {
    to = checkInteger(nextDouble(), 0, largest, name, "");
  }

  /// The next number, where a row stands or how far it may look; what lies beyond all rows, infinities too, is cut.
  void bound(const char* name, Index& to) {
    const double value = nextDouble(), furthest = static_cast<double>(mostRows);
    const double nearest = value > furthest ? furthest : value < -furthest ? -furthest : value;
    to = checkInteger(nearest, -mostRows, mostRows, name, "");
  }

  /// The next typed array from the offset that the next number says, as neighbours.
  template <class T>
  void run(const char* name, T*& to, const Extent& extent, Presence presence) {
    if (!isGiven(name, presence)) return;
    Index headStride = 0;
    require(extent.heads <= 1 || !__builtin_mul_overflow(extent.rows, extent.columns, &headStride), "too many numbers");
    const Index offset = part(name, ".offset");
    to = elements<T>(name, Strided<T>{nullptr, headStride, extent.columns, 1}, extent, offset);
  }

  /// The same with strides.
  template <class T>
  void operand(const char* name, Strided<T>& to, const Extent& extent, Presence presence) {
    if (!isGiven(name, presence)) return;
    const Index offset = strides(name, to);
    to.data = elements<T>(name, to, extent, offset);
  }

  /// The same of the elements that `storage` says.
  void stored(const char* name, Strided<const void>& to, Index storage, const Extent& extent) {
    if (!isGiven(name, required)) return;
    const Index offset = strides(name, to);
    if (storage == float32)
      to.data = elements<const float>(name, to, extent, offset);
    else
      to.data = elements<const unsigned short>(name, to, extent, offset);
  }

  /// One page more than the largest of those in a table.
  Index endOf(const int* table, Index count) {
    Index end = 0;
    for (Index n = 0; n < count && isGood; n++) {
      require(table[n] >= 0, "a page must be >= 0");
      end = table[n] >= end ? table[n] + 1 : end;
    }
    return end;
  }

  /// The next typed array, space for `attend`; it starts where a cache line does.
  void scratch(const char* name, float*& to, Index headDim, Index valueDim) {
    size_t length = 0;
    float* data = nextArray<float>(name, &length);
    if (!isGood) return;
    const size_t skipped = (cacheLine - reinterpret_cast<size_t>(data) % cacheLine) % cacheLine / sizeof(float);
    const size_t count = static_cast<size_t>(table->scratchFloats(headDim, valueDim)) + skipped;
    to = data + skipped;
    if (count > length) throwShort(name, static_cast<double>(count), length);
  }

 private:
  /// The next number says whether an operand is there; only then others tell where, and an array follows.
  bool isGiven(const char* name, Presence presence) {
    const bool isThere = nextDouble() != 0;
    if (!isThere && presence == required) throwType(name, "an array");
    return isThere;
  }

  double nextDouble() {
    if (nextNumber < numberCount) return numbers[nextNumber++];
    throwRange("Expected more than %.0f numbers", static_cast<double>(numberCount));
    return 0;
  }

  /// The next number, an offset or a stride of an operand.
  Index part(const char* name, const char* title) { return checkInteger(nextDouble(), 0, largestInteger, name, title); }

  Index checkInteger(double value, Index least, Index largest, const char* name, const char* title) {
    const double from = static_cast<double>(least), to = static_cast<double>(largest);
    if (value >= from && value <= to && value == static_cast<double>(static_cast<Index>(value)))
      return static_cast<Index>(value);
    throwRange("Expected an integer from %.0f to %.0f for `%s%s`, got %g", from, to, name, title, value);
    return 0;
  }

  /// Takes the strides of an operand; returns its offset.
  template <class T>
  Index strides(const char* name, Strided<T>& to) {
    const Index offset = part(name, ".offset");
    to.headStride = part(name, ".headStride");
    to.rowStride = part(name, ".rowStride");
    to.columnStride = part(name, ".columnStride");
    return offset;
  }

  /// The next typed array from `offset` on; all of the extent must lie inside.
  template <class T, class Of>
  T* elements(const char* name, const Strided<Of>& strides, const Extent& e, Index offset) {
    size_t length = 0;
    T* data = nextArray<T>(name, &length);
    if (!isGood) return nullptr;
    // Without elements nothing is read or written, wherever it would lie.
    if (e.entries == 0 || e.heads == 0 || e.rows == 0 || e.columns == 0) return data;
    const auto reach = [](Index count, Index stride) {
      return static_cast<double>(count - 1) * static_cast<double>(stride);
    };
    const double end = static_cast<double>(offset) + 1 + reach(e.entries, e.entryStride) +
                       reach(e.heads, strides.headStride) + reach(e.rows, strides.rowStride) +
                       reach(e.columns, strides.columnStride);
    if (end <= static_cast<double>(length)) return data + offset;
    throwShort(name, end, length);
    return nullptr;
  }

  template <class T>
  T* nextArray(const char* name, size_t* length) {
    if (!isGood) return nullptr;
    const napi_value value = nextValue < most ? values[nextValue++] : nullptr;
    napi_typedarray_type type;
    void* data = nullptr;
    // Unlike the functions for buffers, this one knows shared memory in every version of Node.
    const napi_status status = napi_get_typedarray_info(env, value, &type, length, &data, nullptr, nullptr);
    constexpr ArrayKind kind = kindOf(static_cast<T*>(nullptr));
    if (status == napi_ok && type == kind.type) return static_cast<T*>(data);
    throwType(name, kind.name);
    return nullptr;
  }

  void throwType(const char* name, const char* expected) {
    char message[messageLength];
    __builtin_snprintf(message, sizeof message, "Expected %s for `%s`", expected, name);
    if (isGood) napi_throw_type_error(env, nullptr, message);
    isGood = false;
  }

  void throwShort(const char* name, double least, size_t length) {
    throwRange("Expected at least %.0f elements in `%s`, got %.0f", least, name, static_cast<double>(length));
  }

  // The built-in functions need no header of a C library.
  __attribute__((format(printf, 2, 3))) void throwRange(const char* format, ...) {
    char message[messageLength];
    va_list details;
    va_start(details, format);
    __builtin_vsnprintf(message, sizeof message, format, details);
    va_end(details);
    if (isGood) napi_throw_range_error(env, nullptr, message);
    isGood = false;
  }
};

}  // namespace headpool
