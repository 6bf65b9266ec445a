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
  p.rowStride = next.integer("rowStride");
  p.rows = next.elements<float>("rows", {{p.rowCount, p.rowStride}, {p.depth, 1}});
  p.panels = panelsOf(next, p.columns, p.depth);
  p.outputStride = next.integer("outputStride");
  p.output = next.elements<float>("output", {{p.rowCount, p.outputStride}, {p.columns, 1}});
  if (next.areGood()) next.operations().project(p);
  return nullptr;
}

/// The columns of a row of weights or scores.
inline Index columnsEnd(const Attention& a, Index extraColumn) {
  const Index extraEnd = a.extraKeys > 0 ? extraColumn + a.extraKeys : 0;
  return a.keys > extraEnd ? a.keys : extraEnd;
}

/// Keys or values: float32, or 16 bits a number.
inline const void* storedElements(Arguments& next, Index storage, const char* name, std::initializer_list<Axis> axes) {
  if (storage == float32) return next.elements<float>(name, axes);
  return next.elements<unsigned short>(name, axes);
}

/// The pages of keys and values, where they lie in some; returns how many of them there may be.
inline Index readPages(Arguments& next, Attention& a) {
  a.pageKeys = next.integer("pageKeys");
  a.pageStride = next.integer("pageStride");
  const Index count = a.pageKeys > 0 ? (a.keys + a.pageKeys - 1) / a.pageKeys : 0;
  a.pages = next.optionalElements<int>("pages", {{count, 1}});
  if (!a.pages || !next.areGood()) return 0;
  if (a.pageKeys == 0 || a.pageKeys % wholePage != 0) next.refuse("pages must hold whole tiles");
  Index end = 0;
  for (Index n = 0; n < count && next.areGood(); n++) {
    if (a.pages[n] < 0) next.refuse("a page must be >= 0");
    end = a.pages[n] >= end ? a.pages[n] + 1 : end;
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
  a.extraKeys = next.rowCount("extraKeys");
  a.headDim = next.integer("headDim");
  a.valueDim = next.integer("valueDim");
  a.scale = static_cast<float>(next.number());
  a.softcap = static_cast<float>(next.number());
  a.position = next.bound("position");
  a.firstOffset = next.bound("firstOffset");
  a.lastOffset = next.bound("lastOffset");

  a.queryStride = next.integer("queryStride");
  a.queryHeadStride = next.integer("queryHeadStride");
  a.query = next.elements<float>("query", {{a.queries, a.queryStride}, {a.group, a.queryHeadStride}, {a.headDim, 1}});
  a.storage = next.integerUpTo(bfloat16, "storage");
  const Index pages = readPages(next, a);
  const Axis page = {a.pages ? pages : 1, a.pageStride};
  const Index rowsOfPage = a.pages ? a.pageKeys : a.keys;
  a.keyStride = next.integer("keyStride");
  a.key = storedElements(next, a.storage, "key", {page, {rowsOfPage, a.keyStride}, {a.headDim, 1}});
  a.valueStride = next.integer("valueStride");
  a.value = storedElements(next, a.storage, "value", {page, {rowsOfPage, a.valueStride}, {a.valueDim, 1}});
  a.outputStride = next.integer("outputStride");
  a.outputHeadStride = next.integer("outputHeadStride");
  a.output =
      next.elements<float>("output", {{a.queries, a.outputStride}, {a.group, a.outputHeadStride}, {a.valueDim, 1}});
  a.extraKey = next.elements<float>("extraKey", {{a.extraKeys, a.headDim}, {a.headDim, 1}});
  a.extraValue = next.elements<float>("extraValue", {{a.extraKeys, a.valueDim}, {a.valueDim, 1}});

  a.maskHeadStride = next.integer("maskHeadStride");
  a.maskQueryStride = next.integer("maskQueryStride");
  a.maskKeyStride = next.integer("maskKeyStride");
  a.mask = next.optionalElements<unsigned char>(
      "mask", {{a.group, a.maskHeadStride}, {a.queries, a.maskQueryStride}, {a.keys, a.maskKeyStride}});
  a.biasHeadStride = next.integer("biasHeadStride");
  a.biasQueryStride = next.integer("biasQueryStride");
  a.biasKeyStride = next.integer("biasKeyStride");
  a.bias = next.optionalElements<float>(
      "bias", {{a.group, a.biasHeadStride}, {a.queries, a.biasQueryStride}, {a.keys, a.biasKeyStride}});

  a.alibiSlopes = next.optionalElements<float>("alibiSlopes", {{a.group, 1}});
  a.sinks = next.optionalElements<float>("sinks", {{a.group, 1}});
  a.headScale = next.optionalElements<float>("headScale", {{a.group, 1}});

  a.weightsHeadStride = next.integer("weightsHeadStride");
  a.weightsQueryStride = next.integer("weightsQueryStride");
  a.weightsExtraColumn = next.integer("weightsExtraColumn");
  a.weightsShare = static_cast<float>(next.number());
  a.weightsAdd = next.integer("weightsAdd");
  a.weights = next.optionalElements<float>(
      "weights",
      {{a.group, a.weightsHeadStride}, {a.queries, a.weightsQueryStride}, {columnsEnd(a, a.weightsExtraColumn), 1}});
  a.scoresStage = next.integerUpTo(biased, "scoresStage");
  a.scoresHeadStride = next.integer("scoresHeadStride");
  a.scoresQueryStride = next.integer("scoresQueryStride");
  a.scoresExtraColumn = next.integer("scoresExtraColumn");
  a.scores = next.optionalElements<float>(
      "scores",
      {{a.group, a.scoresHeadStride}, {a.queries, a.scoresQueryStride}, {columnsEnd(a, a.scoresExtraColumn), 1}});
  a.logSumExpHeadStride = next.integer("logSumExpHeadStride");
  a.logSumExp = next.optionalElements<float>("logSumExp", {{a.group, a.logSumExpHeadStride}, {a.queries, 1}});
  a.statistics = next.optionalElements<float>("statistics", {{a.queries * a.group, rowStatistics}, {rowStatistics, 1}});
  a.isDecoding = next.integerUpTo(1, "isDecoding");
  if (a.isDecoding && a.queries * a.group > mostDecodingRows) next.refuse("too many rows to decode");
  a.partial = next.optionalElements<float>(
      "partial", {{a.queries * a.group, partialFloats(a.valueDim)}, {partialFloats(a.valueDim), 1}});
  if (next.areGood()) a.scratch = next.scratch(next.operations().scratchFloats(a.headDim, a.valueDim));
  if (next.areGood()) next.operations().attend(a);
  return nullptr;
}

/// merge(numbers, partial, output, logSumExp | null, headScale | null)
inline napi_value merge(napi_env env, napi_callback_info info) {
  Arguments next(env, info);
  Merge m{};
  const Index queries = next.rowCount("queries");
  m.group = next.rowCount("group");
  m.rows = queries * m.group;
  m.valueDim = next.integer("valueDim");
  m.ranges = next.rowCount("ranges");
  m.rangeStride = m.rows * partialFloats(m.valueDim);
  m.partial = next.elements<float>("partial", {{m.ranges, m.rangeStride}, {m.rangeStride, 1}});
  m.outputStride = next.integer("outputStride");
  m.outputHeadStride = next.integer("outputHeadStride");
  m.output =
      next.elements<float>("output", {{queries, m.outputStride}, {m.group, m.outputHeadStride}, {m.valueDim, 1}});
  m.logSumExpHeadStride = next.integer("logSumExpHeadStride");
  m.logSumExp = next.optionalElements<float>("logSumExp", {{m.group, m.logSumExpHeadStride}, {queries, 1}});
  m.headScale = next.optionalElements<float>("headScale", {{m.group, 1}});
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
