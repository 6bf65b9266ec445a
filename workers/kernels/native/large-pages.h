// Large pages for large memory: fewer page faults when it is filled, and fewer misses of the address translation while
// weights stream past (8 % of a product of 16 rows with weights that no cache holds).
#pragma once
#include <node_api.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace headpool {

/// prepare(floats): where the system takes advice, the whole pages inside `floats` become large ones
inline napi_value prepare(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument = nullptr;
  napi_typedarray_type type;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  const napi_status status = napi_get_typedarray_info(env, argument, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_float32_array) {
    napi_throw_type_error(env, nullptr, "Expected a Float32Array for `floats`");
    return nullptr;
  }
#if defined(MADV_HUGEPAGE)
  constexpr uintptr_t pageBytes = 4096;
  const uintptr_t start = (reinterpret_cast<uintptr_t>(data) + pageBytes - 1) / pageBytes * pageBytes;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + length * sizeof(float)) / pageBytes * pageBytes;
  // A refusal changes nothing but speed.
  if (end > start) madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#endif
  return nullptr;
}

}  // namespace headpool
