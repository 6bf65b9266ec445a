// The operations as functions of JavaScript. Results are written in place.
#pragma once
#include "arguments.h"

namespace headpool {

inline napi_value toNumber(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

/// pack, project, attend and merge: (numbers, …operands), as source/parameters.h reads them
template <class Parameters, void (*Operations::*operation)(const Parameters&)>
napi_value call(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Parameters parameters{};
  read(next, parameters);
  if (next.areGood()) (next.operations().*operation)(parameters);
  return nullptr;
}

/// scratchFloats(numbers): how many floats `attend` needs, aligned or not
inline napi_value scratchFloats(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Index headDim = 0, valueDim = 0;
  next.integer("headDim", headDim);
  next.integer("valueDim", valueDim);
  if (!next.areGood()) return nullptr;
  const Index count = next.operations().scratchFloats(headDim, valueDim) + Arguments::scratchMargin;
  return toNumber(env, static_cast<double>(count));
}

/// multiplyAdd(numbers): runs rounds of nothing but multiply-adds
inline napi_value multiplyAdd(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Index rounds = 0;
  next.integer("rounds", rounds);
  return next.areGood() ? toNumber(env, next.operations().multiplyAddRounds(rounds, 0.5f)) : nullptr;
}

/// sum(numbers, floats): reads every float once
inline napi_value sum(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Index count = 0;
  const float* floats = nullptr;
  next.integer("count", count);
  next.run("floats", floats, {1, 1, count}, required);
  return next.areGood() ? toNumber(env, next.operations().sumFloats(floats, count)) : nullptr;
}

}  // namespace headpool
