// The arguments of one call from JavaScript: a Float64Array of numbers, then typed arrays. Nothing here reaches a
// kernel unchecked; the first thing that is wrong is thrown as a JavaScript error that names it, and the call must end.
#pragma once
#include <node_api.h>
#include <stdarg.h>
#include <stdio.h>

#include <initializer_list>

#include "source/operations.h"

namespace headpool {

/// One dimension of an operand: how many steps of how many elements.
struct Axis {
  Index count;
  Index stride;
};

template <class T>
struct ElementType;
template <>
struct ElementType<float> {
  static constexpr napi_typedarray_type type = napi_float32_array;
  static constexpr const char* name = "a Float32Array";
};
template <>
struct ElementType<unsigned char> {
  static constexpr napi_typedarray_type type = napi_uint8_array;
  static constexpr const char* name = "a Uint8Array";
};

template <>
struct ElementType<unsigned short> {
  static constexpr napi_typedarray_type type = napi_uint16_array;
  static constexpr const char* name = "a Uint16Array";
};
template <>
struct ElementType<int> {
  static constexpr napi_typedarray_type type = napi_int32_array;
  static constexpr const char* name = "an Int32Array";
};

class Arguments {
  static constexpr size_t most = 20;
  static constexpr size_t messageLength = 160;
  static constexpr size_t cacheLine = 64;
  // Every integer up to here is a double, so sums and products that stay below are exact, and larger ones stay larger.
  static constexpr double largestInteger = 9007199254740992.0;
  // Rows and keys are 32-bit numbers inside the kernels, and the offsets of bounds are added to them.
  static constexpr double mostRows = 1 << 30;

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

  /// Whether nothing has been thrown.
  bool areGood() const { return isGood; }

  /// The next number as it is.
  double number() {
    if (nextNumber < numberCount) return numbers[nextNumber++];
    throwRange("Expected more than %zu numbers", numberCount);
    return 0;
  }

  /// The next number, an integer >= 0: a size, a stride or an offset.
  Index integer(const char* name) { return checkInteger(number(), 0, largestInteger, name); }

  Index integerUpTo(Index largest, const char* name) {
    return checkInteger(number(), 0, static_cast<double>(largest), name);
  }

  /// Throws for a combination of arguments that are right by themselves.
  void refuse(const char* problem) { throwRange("%s", problem); }

  /// The next number, an integer that counts rows or keys.
  Index rowCount(const char* name) { return checkInteger(number(), 0, mostRows, name); }

  /// The next number, how far a row may look; what lies beyond all rows, infinities too, is cut to that.
  Index bound(const char* name) {
    const double value = number();
    const double nearest = value > mostRows ? mostRows : value < -mostRows ? -mostRows : value;
    return checkInteger(nearest, -mostRows, mostRows, name);
  }

  /// The next typed array from the offset that the next number says; every element along the axes must lie inside.
  template <class T>
  T* elements(const char* name, std::initializer_list<Axis> axes) {
    return elementsAt<T>(nextArgument(), name, axes);
  }

  /// The same, or null where the argument is null.
  template <class T>
  T* optionalElements(const char* name, std::initializer_list<Axis> axes) {
    const napi_value value = nextArgument();
    napi_valuetype type = napi_undefined;
    if (isGood) napi_typeof(env, value, &type);
    if (type != napi_null) return elementsAt<T>(value, name, axes);
    nextNumber++;
    return nullptr;
  }

  /// The next typed array, space for `count` floats; it starts where a cache line does.
  float* scratch(Index count) {
    size_t length = 0;
    float* data = typedArray<float>(nextArgument(), "scratch", &length);
    const size_t skipped = (cacheLine - reinterpret_cast<size_t>(data) % cacheLine) % cacheLine / sizeof(float);
    if (!isGood) return nullptr;
    if (static_cast<size_t>(count) + skipped <= length) return data + skipped;
    throwRange("Expected at least %zu elements in `scratch`, got %zu", static_cast<size_t>(count) + skipped, length);
    return nullptr;
  }

 private:
  napi_value nextArgument() { return nextValue < most ? values[nextValue++] : nullptr; }

  Index checkInteger(double value, double least, double largest, const char* name) {
    if (value >= least && value <= largest && value == static_cast<double>(static_cast<Index>(value)))
      return static_cast<Index>(value);
    throwRange("Expected an integer from %.0f to %.0f for `%s`, got %g", least, largest, name, value);
    return 0;
  }

  template <class T>
  T* elementsAt(napi_value value, const char* name, std::initializer_list<Axis> axes) {
    const Index offset = integer(name);
    size_t length = 0;
    T* data = typedArray<T>(value, name, &length);
    if (!isGood) return nullptr;
    double end = static_cast<double>(offset) + 1;
    for (const Axis& axis : axes) {
      // Without elements nothing is read or written, wherever it would lie.
      if (axis.count == 0) return data;
      end += static_cast<double>(axis.count - 1) * static_cast<double>(axis.stride);
    }
    if (end <= static_cast<double>(length)) return data + offset;
    throwRange("Expected at least %.0f elements in `%s`, got %zu", end, name, length);
    return nullptr;
  }

  template <class T>
  T* typedArray(napi_value value, const char* name, size_t* length) {
    if (!isGood) return nullptr;
    napi_typedarray_type type;
    void* data = nullptr;
    // Unlike the functions for buffers, this one knows shared memory in every version of Node.
    const napi_status status = napi_get_typedarray_info(env, value, &type, length, &data, nullptr, nullptr);
    if (status == napi_ok && type == ElementType<T>::type) return static_cast<T*>(data);
    throwType(name, ElementType<T>::name);
    return nullptr;
  }

  void throwType(const char* name, const char* expected) {
    char message[messageLength];
    snprintf(message, sizeof message, "Expected %s for `%s`", expected, name);
    if (isGood) napi_throw_type_error(env, nullptr, message);
    isGood = false;
  }

  __attribute__((format(printf, 2, 3))) void throwRange(const char* format, ...) {
    char message[messageLength];
    va_list details;
    va_start(details, format);
    vsnprintf(message, sizeof message, format, details);
    va_end(details);
    if (isGood) napi_throw_range_error(env, nullptr, message);
    isGood = false;
  }
};

}  // namespace headpool
