// The operations as functions of JavaScript. Each reads its arguments in the order in which kernel.ts and attend.ts
// write them: sizes first, then for every operand its strides and its offset. Results are written in place.
#pragma once
#include "arguments.h"

namespace headpool {

inline napi_value toNumber(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

/// Packed weights: whole panels, each with its biases in front.
inline float* panelsOf(Arguments& next, Index columns, Index depth) {
  const Index width = next.operations().panelColumns;
  const Index panels = (columns + width - 1) / width;
  return next.elements<float>("panels", {{panels, (1 + depth) * width}, {1 + depth, width}, {width, 1}});
}

/// pack(numbers, weight, bias | null, panels)
inline napi_value pack(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Packing p{};
  p.columns = next.integer("columns");
  p.depth = next.integer("depth");
  p.weight = next.elements<float>("weight", {{p.columns, p.depth}, {p.depth, 1}});
  p.bias = next.optionalElements<float>("bias", {{p.columns, 1}});
  p.panels = panelsOf(next, p.columns, p.depth);
  if (next.areGood()) next.operations().pack(p);
  return nullptr;
}

/// project(numbers, rows, panels, output)
inline napi_value project(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Projection p{};
  p.rowCount = next.rowCount("rowCount");
  p.depth = next.integer("depth");
  p.columns = next.integer("columns");
  p.rows.rowStride = next.integer("rowStride");
  p.rows.data = next.elements<float>("rows", {{p.rowCount, p.rows.rowStride}, {p.depth, 1}});
  p.panels = panelsOf(next, p.columns, p.depth);
  p.output.rowStride = next.integer("outputStride");
  p.output.data = next.elements<float>("output", {{p.rowCount, p.output.rowStride}, {p.columns, 1}});
  if (next.areGood()) next.operations().project(p);
  return nullptr;
}

/// The columns of a row of weights or scores.
inline Index columnsEnd(const Attention& a, Index extraColumn) {
  const Index extraEnd = a.extra.count > 0 ? extraColumn + a.extra.count : 0;
  return a.keys > extraEnd ? a.keys : extraEnd;
}

/// Keys or values: float32, or 16 bits a number.
inline const void* storedElements(Arguments& next, Index storage, const char* name, std::initializer_list<Axis> axes) {
  if (storage == float32) return next.elements<float>(name, axes);
  return next.elements<unsigned short>(name, axes);
}

/// The pages of keys and values, where they lie in some; returns how many of them there may be.
inline Index readPages(Arguments& next, Attention& a) {
  a.pages.pageKeys = next.integer("pageKeys");
  a.pages.stride = next.integer("pageStride");
  const Index count = a.pages.pageKeys > 0 ? (a.keys + a.pages.pageKeys - 1) / a.pages.pageKeys : 0;
  a.pages.table = next.optionalElements<int>("pages", {{count, 1}});
  if (!a.pages.table || !next.areGood()) return 0;
  if (a.pages.pageKeys == 0 || a.pages.pageKeys % wholePage != 0) next.refuse("pages must hold whole tiles");
  Index end = 0;
  for (Index n = 0; n < count && next.areGood(); n++) {
    if (a.pages.table[n] < 0) next.refuse("a page must be >= 0");
    end = a.pages.table[n] >= end ? a.pages.table[n] + 1 : end;
  }
  return end;
}

/// attend(numbers, query, pages | null, key, value, output, extraKey, extraValue, mask | null, bias | null,
/// alibiSlopes | null, sinks | null, headScale | null, weights | null, scores | null, logSumExp | null,
/// statistics | null, partial | null, scratch); without extra keys, any Float32Array stands for theirs.
inline napi_value attend(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Attention a{};
  a.queries = next.rowCount("queries");
  a.group = next.rowCount("group");
  a.keys = next.rowCount("keys");
  a.extra.count = next.rowCount("extraKeys");
  a.headDim = next.integer("headDim");
  a.valueDim = next.integer("valueDim");
  a.rules.scale = static_cast<float>(next.number());
  a.rules.softcap = static_cast<float>(next.number());
  a.position = next.bound("position");
  a.rules.firstOffset = next.bound("firstOffset");
  a.rules.lastOffset = next.bound("lastOffset");

  a.query.rowStride = next.integer("queryStride");
  a.query.headStride = next.integer("queryHeadStride");
  a.query.data =
      next.elements<float>("query", {{a.queries, a.query.rowStride}, {a.group, a.query.headStride}, {a.headDim, 1}});
  a.storage = next.integerUpTo(bfloat16, "storage");
  const Index pages = readPages(next, a);
  const Axis page = {a.pages.table ? pages : 1, a.pages.stride};
  const Index rowsOfPage = a.pages.table ? a.pages.pageKeys : a.keys;
  a.key.rowStride = next.integer("keyStride");
  a.key.data = storedElements(next, a.storage, "key", {page, {rowsOfPage, a.key.rowStride}, {a.headDim, 1}});
  a.value.rowStride = next.integer("valueStride");
  a.value.data = storedElements(next, a.storage, "value", {page, {rowsOfPage, a.value.rowStride}, {a.valueDim, 1}});
  a.output.rowStride = next.integer("outputStride");
  a.output.headStride = next.integer("outputHeadStride");
  a.output.data = next.elements<float>(
      "output", {{a.queries, a.output.rowStride}, {a.group, a.output.headStride}, {a.valueDim, 1}});
  a.extra.key.rowStride = a.headDim;
  a.extra.key.data = next.elements<float>("extraKey", {{a.extra.count, a.headDim}, {a.headDim, 1}});
  a.extra.value.rowStride = a.valueDim;
  a.extra.value.data = next.elements<float>("extraValue", {{a.extra.count, a.valueDim}, {a.valueDim, 1}});

  a.rules.mask.headStride = next.integer("maskHeadStride");
  a.rules.mask.rowStride = next.integer("maskQueryStride");
  a.rules.mask.columnStride = next.integer("maskKeyStride");
  a.rules.mask.data = next.optionalElements<unsigned char>(
      "mask",
      {{a.group, a.rules.mask.headStride}, {a.queries, a.rules.mask.rowStride}, {a.keys, a.rules.mask.columnStride}});
  a.rules.bias.headStride = next.integer("biasHeadStride");
  a.rules.bias.rowStride = next.integer("biasQueryStride");
  a.rules.bias.columnStride = next.integer("biasKeyStride");
  a.rules.bias.data = next.optionalElements<float>(
      "bias",
      {{a.group, a.rules.bias.headStride}, {a.queries, a.rules.bias.rowStride}, {a.keys, a.rules.bias.columnStride}});

  a.rules.alibiSlopes.headStride = a.rules.sinks.headStride = a.headScale.headStride = 1;
  a.rules.alibiSlopes.data = next.optionalElements<float>("alibiSlopes", {{a.group, 1}});
  a.rules.sinks.data = next.optionalElements<float>("sinks", {{a.group, 1}});
  a.headScale.data = next.optionalElements<float>("headScale", {{a.group, 1}});

  a.weights.headStride = next.integer("weightsHeadStride");
  a.weights.rowStride = next.integer("weightsQueryStride");
  a.weights.extraColumn = next.integer("weightsExtraColumn");
  a.weights.share = static_cast<float>(next.number());
  a.weights.isAdded = next.integer("weightsAdd");
  a.weights.data = next.optionalElements<float>(
      "weights",
      {{a.group, a.weights.headStride}, {a.queries, a.weights.rowStride}, {columnsEnd(a, a.weights.extraColumn), 1}});
  a.scores.stage = next.integerUpTo(biased, "scoresStage");
  a.scores.headStride = next.integer("scoresHeadStride");
  a.scores.rowStride = next.integer("scoresQueryStride");
  a.scores.extraColumn = next.integer("scoresExtraColumn");
  a.scores.data = next.optionalElements<float>(
      "scores",
      {{a.group, a.scores.headStride}, {a.queries, a.scores.rowStride}, {columnsEnd(a, a.scores.extraColumn), 1}});
  a.logSumExp.headStride = next.integer("logSumExpHeadStride");
  a.logSumExp.rowStride = 1;
  a.logSumExp.data = next.optionalElements<float>("logSumExp", {{a.group, a.logSumExp.headStride}, {a.queries, 1}});
  a.statistics.headStride = rowStatistics;
  a.statistics.rowStride = a.group * rowStatistics;
  a.statistics.data =
      next.optionalElements<float>("statistics", {{a.queries * a.group, rowStatistics}, {rowStatistics, 1}});
  a.isDecoding = next.integerUpTo(1, "isDecoding");
  if (a.isDecoding && a.queries * a.group > mostDecodingRows) next.refuse("too many rows to decode");
  a.partial.headStride = partialFloats(a.valueDim);
  a.partial.rowStride = a.group * partialFloats(a.valueDim);
  a.partial.data = next.optionalElements<float>(
      "partial", {{a.queries * a.group, partialFloats(a.valueDim)}, {partialFloats(a.valueDim), 1}});
  if (next.areGood()) a.scratch = next.scratch(next.operations().scratchFloats(a.headDim, a.valueDim));
  if (next.areGood()) next.operations().attend(a);
  return nullptr;
}

/// merge(numbers, partial, output, logSumExp | null, headScale | null)
inline napi_value merge(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Merge m{};
  m.queries = next.rowCount("queries");
  m.group = next.rowCount("group");
  m.valueDim = next.integer("valueDim");
  m.ranges = next.rowCount("ranges");
  m.partial.headStride = partialFloats(m.valueDim);
  m.partial.rowStride = m.group * partialFloats(m.valueDim);
  m.rangeStride = m.queries * m.partial.rowStride;
  m.partial.data = next.elements<float>("partial", {{m.ranges, m.rangeStride}, {m.rangeStride, 1}});
  m.output.rowStride = next.integer("outputStride");
  m.output.headStride = next.integer("outputHeadStride");
  m.output.data = next.elements<float>(
      "output", {{m.queries, m.output.rowStride}, {m.group, m.output.headStride}, {m.valueDim, 1}});
  m.logSumExp.headStride = next.integer("logSumExpHeadStride");
  m.logSumExp.rowStride = 1;
  m.logSumExp.data = next.optionalElements<float>("logSumExp", {{m.group, m.logSumExp.headStride}, {m.queries, 1}});
  m.headScale.headStride = 1;
  m.headScale.data = next.optionalElements<float>("headScale", {{m.group, 1}});
  if (next.areGood()) next.operations().merge(m);
  return nullptr;
}

/// scratchFloats(numbers): how many floats `attend` needs, aligned or not
inline napi_value scratchFloats(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  const Index headDim = next.integer("headDim");
  const Index valueDim = next.integer("valueDim");
  if (!next.areGood()) return nullptr;
  const Index count = next.operations().scratchFloats(headDim, valueDim) + Arguments::scratchMargin;
  return toNumber(env, static_cast<double>(count));
}

/// multiplyAdd(numbers): runs rounds of nothing but multiply-adds
inline napi_value multiplyAdd(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  const Index rounds = next.integer("rounds");
  return next.areGood() ? toNumber(env, next.operations().multiplyAddRounds(rounds, 0.5f)) : nullptr;
}

/// sum(numbers, floats): reads every float once
inline napi_value sum(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  const Index count = next.integer("count");
  const float* floats = next.elements<float>("floats", {{count, 1}});
  return next.areGood() ? toNumber(env, next.operations().sumFloats(floats, count)) : nullptr;
}

}  // namespace headpool
