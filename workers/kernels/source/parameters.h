// The parameters of the operations in the order in which they travel: workers/kernels/parameters.ts writes them, and
// the Reader of a binding takes one after another. It may check each; what it can't know stands here: how far an
// operand reaches, and which parameters don't go together.
#pragma once
#include "operations.h"

namespace headpool {

/// Rows and keys are 32-bit numbers inside the kernels, and bounds are added to them.
constexpr Index mostRows = 1 << 30;

/// More than any memory holds, and little enough for loops over nothing to end.
constexpr Index mostColumns = 1 << 30;

/// How much of an operand is read or written. Its entries are ranges of keys or pages.
struct Extent {
  Index heads;
  Index rows;
  Index columns;
  Index entries = 1;
  Index entryStride = 0;
};

enum Presence { required, optional };

/// How many rows a call has: each of the two is at most mostRows, and so is their product.
template <class Reader>
void readRowCounts(Reader& next, ResultRows& to) {
  next.integer("queries", to.queries, mostRows);
  next.integer("group", to.group, mostRows);
  next.require(to.queries * to.group <= mostRows, "too many rows");
}

template <class Reader, class T>
void requireNeighbours(Reader& next, const Strided<T>& of, Index columns) {
  next.require(!of || columns <= 1 || of.columnStride == 1, "columns must be neighbours");
}

/// An operand whose columns are neighbours.
template <class Reader, class T>
void readRows(Reader& next, const char* name, Strided<T>& to, const Extent& extent, Presence presence) {
  next.operand(name, to, extent, presence);
  requireNeighbours(next, to, extent.columns);
}

/// Packed weights: whole panels, each with its biases in front.
template <class Reader, class Panels>
void readPanels(Reader& next, Panels& panels, Index columns, Index depth) {
  const Index width = next.panelColumns();
  next.run("panels", panels, {(columns + width - 1) / width, 1 + depth, width}, required);
}

template <class Reader>
void read(Reader& next, Packing& p) {
  next.integer("columns", p.columns, mostColumns);
  next.integer("depth", p.depth, mostColumns);
  next.run("weight", p.weight, {1, p.columns, p.depth}, required);
  next.run("bias", p.bias, {1, 1, p.columns}, optional);
  readPanels(next, p.panels, p.columns, p.depth);
}

template <class Reader>
void read(Reader& next, Projection& p) {
  next.integer("rowCount", p.rowCount, mostRows);
  next.integer("depth", p.depth, mostColumns);
  next.integer("columns", p.columns, mostColumns);
  next.run("rows", p.rows.data, {1, p.rowCount, p.depth}, required);
  p.rows.rowStride = p.depth;
  readPanels(next, p.panels, p.columns, p.depth);
  readRows(next, "output", p.output, {1, p.rowCount, p.columns}, required);
}

template <class Reader>
void read(Reader& next, ResultRows& to) {
  readRows(next, "output", to.output, {to.group, to.queries, to.valueDim}, optional);
  readRows(next, "logSumExp", to.logSumExp, {to.group, to.queries, 1}, optional);
  readRows(next, "headScale", to.headScale, {to.group, 1, 1}, optional);
}

template <class Reader>
void read(Reader& next, ScoreRules& rules, const Extent& scores) {
  next.number("scale", rules.scale);
  next.number("softcap", rules.softcap);
  readRows(next, "alibiSlopes", rules.alibiSlopes, {scores.heads, 1, 1}, optional);
  next.operand("bias", rules.bias, scores, optional);
  next.operand("mask", rules.mask, scores, optional);
  next.bound("left", rules.left);
  next.bound("right", rules.right);
  readRows(next, "sinks", rules.sinks, {scores.heads, 1, 1}, optional);
}

/// Keys and values, of 32 or 16 bits a number, row after row or in pages.
template <class Reader>
void readStored(Reader& next, Attention& a) {
  Pages& pages = a.pages;
  next.integer("storage", a.storage, bfloat16);
  next.integer("pages.pageKeys", pages.pageKeys);
  next.integer("pages.stride", pages.stride);
  const Index count = pages.pageKeys > 0 ? (a.keys + pages.pageKeys - 1) / pages.pageKeys : 0;
  next.run("pages.table", pages.table, {1, 1, count}, optional);
  next.require(!pages.table || (pages.pageKeys > 0 && pages.pageKeys % wholePage == 0), "pages must hold whole tiles");
  const Index rows = pages.table ? pages.pageKeys : a.keys;
  const Index entries = pages.table ? next.endOf(pages.table, count) : 1;
  next.stored("key", a.key, a.storage, {1, rows, a.headDim, entries, pages.stride});
  requireNeighbours(next, a.key, a.headDim);
  next.stored("value", a.value, a.storage, {1, rows, a.valueDim, entries, pages.stride});
  requireNeighbours(next, a.value, a.valueDim);
}

/// The columns of a row of weights or scores.
inline Extent columnsOf(const Attention& a, const Columns& to) {
  const Index extraEnd = a.extra.count > 0 ? to.extraColumn + a.extra.count : 0;
  return {a.group, a.queries, a.keys > extraEnd ? a.keys : extraEnd};
}

template <class Reader>
void read(Reader& next, Attention& a) {
  readRowCounts(next, a);
  next.integer("keys", a.keys, mostRows);
  next.integer("headDim", a.headDim, mostColumns);
  next.integer("valueDim", a.valueDim, mostColumns);
  readRows(next, "query", a.query, {a.group, a.queries, a.headDim}, required);
  readStored(next, a);
  next.integer("extra.count", a.extra.count, mostRows);
  readRows(next, "extra.key", a.extra.key, {1, a.extra.count, a.headDim}, optional);
  readRows(next, "extra.value", a.extra.value, {1, a.extra.count, a.valueDim}, optional);
  next.require(a.extra.count == 0 || (a.extra.key && a.extra.value), "extra keys need their numbers");
  read(next, a.rules, {a.group, a.queries, a.keys});
  next.bound("position", a.position);

  read(next, static_cast<ResultRows&>(a));
  next.integer("weights.extraColumn", a.weights.extraColumn);
  next.number("weights.share", a.weights.share);
  next.integer("weights.isAdded", a.weights.isAdded, 1);
  readRows(next, "weights", a.weights, columnsOf(a, a.weights), optional);
  next.integer("scores.extraColumn", a.scores.extraColumn);
  next.integer("scores.stage", a.scores.stage, biased);
  readRows(next, "scores", a.scores, columnsOf(a, a.scores), optional);
  readRows(next, "statistics", a.statistics, {a.group, a.queries, rowStatistics}, optional);
  next.integer("isDecoding", a.isDecoding, 1);
  next.require(!a.isDecoding || a.queries * a.group <= mostDecodingRows, "too many rows to decode");
  readRows(next, "partial", a.partial, {a.group, a.queries, partialFloats(a.valueDim)}, optional);
  next.require(a.output || (a.isDecoding && a.partial), "rows need an output");
  next.scratch("scratch", a.scratch, a.headDim, a.valueDim);
}

template <class Reader>
void read(Reader& next, Merge& m) {
  readRowCounts(next, m);
  next.integer("valueDim", m.valueDim, mostColumns);
  next.integer("ranges", m.ranges, mostRows);
  next.integer("partial.entryStride", m.rangeStride);
  readRows(next, "partial", m.partial, {m.group, m.queries, partialFloats(m.valueDim), m.ranges, m.rangeStride},
           required);
  read(next, static_cast<ResultRows&>(m));
  next.require(bool(m.output), "rows need an output");
}

}  // namespace headpool
