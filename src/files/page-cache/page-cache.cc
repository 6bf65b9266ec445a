// The Node-API addon that gives the advice about a file's pages for which Node.js has no call.
#include <fcntl.h>
#include <node_api.h>
#include <stdint.h>

namespace {

/// dropPages(descriptor, begin, byteLength): the whole pages inside these bytes leave memory, unless they are still to
/// be written
napi_value dropPages(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  int32_t descriptor = 0;
  int64_t begin = 0, byteLength = 0;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  if (count < 3 || napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok ||
      napi_get_value_int64(env, arguments[1], &begin) != napi_ok ||
      napi_get_value_int64(env, arguments[2], &byteLength) != napi_ok) {
    napi_throw_type_error(env, nullptr, "Expected a file descriptor and two numbers of bytes");
    return nullptr;
  }
  // It is advice: where the system doesn't take it, everything works as before. No bytes would mean all that follow.
  if (byteLength > 0) posix_fadvise(descriptor, begin, byteLength, POSIX_FADV_DONTNEED);
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_property_descriptor property = {"dropPages", nullptr, dropPages,       nullptr,
                                             nullptr,     nullptr, napi_enumerable, nullptr};
  napi_define_properties(env, exports, 1, &property);
  return exports;
}
