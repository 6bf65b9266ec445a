// The Node-API addon: lists the instruction sets and hands out the operations of one of them. It keeps nothing by
// itself: the functions carry their table of operations, so threads and contexts share no state.
#include "calls.h"
#include "instruction-sets.h"
#include "large-pages.h"

namespace headpool {
namespace {

napi_value toString(napi_env env, const char* text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

/// Why a set can't run here; null if it can.
const char* problemOf(const InstructionSet& set) {
  if (!set.isSupported()) return set.lack;
  return set.operations ? nullptr : "the compiler of this build doesn't know it";
}

/// instructionSets(): [{ name, title, reason | null }], best first
napi_value listInstructionSets(napi_env env, napi_callback_info) {
  napi_value list = nullptr, nothing = nullptr;
  napi_create_array(env, &list);
  napi_get_null(env, &nothing);
  uint32_t index = 0;
  for (const InstructionSet& set : instructionSets) {
    const char* problem = problemOf(set);
    napi_value entry = nullptr;
    napi_create_object(env, &entry);
    napi_set_named_property(env, entry, "name", toString(env, set.name));
    napi_set_named_property(env, entry, "title", toString(env, set.title));
    napi_set_named_property(env, entry, "reason", problem ? toString(env, problem) : nothing);
    napi_set_element(env, list, index++, entry);
  }
  return list;
}

const Operations* findOperations(const char* name) {
  for (const InstructionSet& set : instructionSets)
    if (!problemOf(set) && __builtin_strcmp(set.name, name) == 0) return set.operations;
  return nullptr;
}

/// open(name): the operations of one instruction set, and its constants
napi_value open(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr, result = nullptr;
  char name[16] = "";
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, name, sizeof name, nullptr);
  const Operations* operations = findOperations(name);
  if (!operations) {
    napi_throw_range_error(env, nullptr, "Expected the name of an instruction set that can run here");
    return nullptr;
  }
  void* data = const_cast<Operations*>(operations);
  const auto method = [data](const char* title, napi_callback call) -> napi_property_descriptor {
    return {title, nullptr, call, nullptr, nullptr, nullptr, napi_enumerable, data};
  };
  const auto constant = [env](const char* title, Index value) -> napi_property_descriptor {
    const napi_value number = toNumber(env, static_cast<double>(value));
    return {title, nullptr, nullptr, nullptr, nullptr, number, napi_enumerable, nullptr};
  };
  const napi_property_descriptor properties[] = {
      constant("panelColumns", operations->panelColumns),
      constant("flopPerRound", operations->flopPerRound),
      method("scratchFloats", scratchFloats),
      method("prepare", prepare),
      method("pack", pack),
      method("project", project),
      method("attend", attend),
      method("merge", merge),
      method("multiplyAdd", multiplyAdd),
      method("sum", sum),
  };
  napi_create_object(env, &result);
  napi_define_properties(env, result, sizeof properties / sizeof *properties, properties);
  return result;
}

}  // namespace
}  // namespace headpool

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"instructionSets", nullptr, headpool::listInstructionSets, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"open", nullptr, headpool::open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 2, properties);
  return exports;
}
