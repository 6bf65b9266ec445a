// A small stand-in for Node-API: typed arrays on the heap, each exactly as long as it says, and errors that are counted.
#pragma once
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace headpool::test {

/// A typed array, or anything else where it has no data type.
struct Value {
  bool isArray = false;
  napi_typedarray_type type = napi_float64_array;
  size_t length = 0;
  void* data = nullptr;
};

/// What a call from JavaScript brings.
struct CallInfo {
  Value* values;
  size_t count;
  const void* data;
};

inline int thrownErrors = 0;

inline void countError([[maybe_unused]] const char* message) {
  thrownErrors++;
#if defined(HEADPOOL_WHOLE_CALLS)
  fprintf(stderr, "%s\n", message);
#endif
}

inline Value nothing;

inline size_t bytesPerElement(napi_typedarray_type type) {
  switch (type) {
    case napi_uint8_array:
      return 1;
    case napi_uint16_array:
      return 2;
    case napi_float64_array:
      return 8;
    default:
      return 4;
  }
}

}  // namespace headpool::test

extern "C" {

napi_status napi_get_cb_info(napi_env, napi_callback_info info, size_t* argc, napi_value* argv, napi_value*,
                             void** data) {
  const auto& call = *reinterpret_cast<headpool::test::CallInfo*>(info);
  for (size_t n = 0; n < *argc; n++)
    argv[n] = reinterpret_cast<napi_value>(n < call.count ? &call.values[n] : &headpool::test::nothing);
  *argc = call.count;
  if (data) *data = const_cast<void*>(call.data);
  return napi_ok;
}

napi_status napi_get_typedarray_info(napi_env, napi_value value, napi_typedarray_type* type, size_t* length,
                                     void** data, napi_value*, size_t*) {
  const auto* array = reinterpret_cast<headpool::test::Value*>(value);
  if (!array || !array->isArray) return napi_invalid_arg;
  *type = array->type;
#if defined(HEADPOOL_SEEDED_FAULT)
  // A check that trusts this lets calls read behind the array.
  *length = 2 * array->length + 1;
#else
  *length = array->length;
#endif
  *data = array->data;
  return napi_ok;
}

napi_status napi_throw_type_error(napi_env, const char*, const char* message) {
  headpool::test::countError(message);
  return napi_ok;
}

napi_status napi_throw_range_error(napi_env, const char*, const char* message) {
  headpool::test::countError(message);
  return napi_ok;
}

napi_status napi_create_double(napi_env, double, napi_value* result) {
  *result = reinterpret_cast<napi_value>(&headpool::test::nothing);
  return napi_ok;
}

}  // extern "C"
