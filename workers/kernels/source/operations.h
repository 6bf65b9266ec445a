// The operations of a compiled kernel and their parameters: what a binding needs to know of it. No templates.
#pragma once

namespace headpool {

using Index = __PTRDIFF_TYPE__;

/// Element (head, row, column) lies at the sum of the strides; a stride of 0 repeats. Null where an operand is not
/// there.
template <class T>
struct Strided {
  T* data;
  Index headStride;
  Index rowStride;
  Index columnStride;

  explicit operator bool() const { return data != nullptr; }
  T* row(Index head, Index row) const { return data + head * headStride + row * rowStride; }
  auto& at(Index head, Index row = 0, Index column = 0) const {
    return data[head * headStride + row * rowStride + column * columnStride];
  }
};

/// Weights into panels of `panelColumns` columns, each [1 + depth][panel columns]: the biases, then a row of weights a
/// step. Columns past the end and a missing bias are zeros.
struct Packing {
  const float* weight;  // [columns, depth] as PyTorch stores it
  const float* bias;    // [columns]; null where there is none
  Index columns;
  Index depth;
  float* panels;
};

/// output[row, column] = bias[column] + sum over k of rows[row, k] * weight[column, k].
struct Projection {
  Index rowCount;
  Index depth;
  Index columns;
  Strided<const float> rows;  // [rowCount, depth]
  const float* panels;        // as `pack` leaves them
  Strided<float> output;      // [rowCount, columns]
};

/// How keys and values are stored; they are computed on as float32.
enum Storage : Index { float32 = 0, float16 = 1, bfloat16 = 2 };

/// Where rows of keys and values lie in pages: row j of either is row j % pageKeys of page table[j / pageKeys].
struct Pages {
  const int* table;  // null where rows follow one another
  Index pageKeys;    // a multiple of every kernel's tile
  Index stride;      // elements from page to page
};

/// Keys that every query attends before all others (PyTorch's bias_k and add_zero_attn).
struct ExtraKeys {
  Index count;
  Strided<const float> key;    // [count, headDim]
  Strided<const float> value;  // [count, valueDim]
};

/// How scores come about: scaled, capped, less their ALiBi terms, with their biases, and then left out or not.
struct ScoreRules {
  float scale;
  float softcap;                      // c of c * tanh(score / c); 0 = none
  Strided<const float> alibiSlopes;   // of a member: slope * |position of the query - j| is subtracted
  Strided<const float> bias;          // added; -infinity = left out
  Strided<const unsigned char> mask;  // 0 = left out
  Index left;                         // a query at position p may attend the keys p - left <= j <= p + right
  Index right;
  Strided<const float> sinks;  // of a member: a logit that joins the softmax's denominator
};

/// Rows of results, of query i and group member g. What was not asked for is null.
struct ResultRows {
  Index queries;
  Index group;
  Index valueDim;
  Strided<float> output;           // valueDim columns
  Strided<float> logSumExp;        // one column: the natural logarithm of the softmax's denominator
  Strided<const float> headScale;  // of a member: a factor of the output; 0 gives exact zeros
};

/// A number of (g, i, j) at row(g, i)[j], those of extra keys from `extraColumn` on.
struct Columns : Strided<float> {
  Index extraColumn;
};

/// Probabilities, multiplied by `share` and, where `isAdded` is set, added to what is there.
struct Weights : Columns {
  float share;
  Index isAdded;
};

/// Scores as they are after `stage`, a ScoreStage.
struct Scores : Columns {
  Index stage;
};

/// softmax(adjusted(q kT * scale)) v for the queries of `group` query heads that share one key/value head. Heads of
/// operands are members of the group, rows are queries, and the columns of mask and bias keys; columns of all others
/// are neighbours.
struct Attention : ResultRows {
  Index keys;  // without the extra ones
  Index headDim;
  Strided<const float> query;
  Strided<const void> key;    // [keys, headDim]
  Strided<const void> value;  // [keys, valueDim]
  Index storage;              // a Storage: of keys and values
  Pages pages;
  ExtraKeys extra;
  ScoreRules rules;
  Index position;  // query i stands at i + position on the diagonal: key j of the sequence stands at j

  Weights weights;
  Scores scores;
  Strided<float> statistics;  // rowStatistics columns

  // At most mostDecodingRows rows, to be computed as memory gives the keys and values: dims in the lanes. Elsewhere
  // rows lie in the lanes. The caller decides, by what must not change the bytes of a row.
  Index isDecoding;
  // When decoding over a part of the keys: where `merge` finds what the rows gathered, partialFloats(valueDim) columns;
  // output and logSumExp are not written then, nor is headScale applied. Null to write them.
  Strided<float> partial;

  float* scratch;  // scratchFloats(headDim, valueDim) floats
};

/// Scores of every key after the scale or the cap, or with everything added and -infinity where left out.
enum ScoreStage : Index { scaled = 0, softcapped = 1, biased = 2 };

/// What is known of a row's probabilities p: the fields of its row of statistics. The sum of -p ln p; that of
/// p * |position - j|; p of the first key, of the one at the row's position, before and behind it; the largest p; 1 if
/// the row attended a key, else 0. Extra keys count in `entropy` and `largest` alone.
namespace statistic {
enum Field { entropy, distance, first, self, previous, next, largest, hasAttended, count };
}
constexpr Index rowStatistics = statistic::count;

/// Keys of a page are a multiple of this, which every kernel's tiles divide.
constexpr Index wholePage = 128;

/// Rows that `attend` takes when decoding.
constexpr Index mostDecodingRows = 8;

/// Floats of what a row gathered over a part of its keys: the output before the division, the maximum, the sum, 1 if it
/// attended a key; then the output divided before it was added up, which counts where the other is not finite.
constexpr Index meansOfPartial(Index valueDim) { return valueDim + 3; }
constexpr Index partialFloats(Index valueDim) { return meansOfPartial(valueDim) + valueDim; }

/// The parts of rows, each over a range of keys, put together in the order of the ranges.
struct Merge : ResultRows {
  Index ranges;
  Strided<const float> partial;  // as Attention leaves those of the first range
  Index rangeStride;             // elements from range to range
};

/// What is compiled once for each instruction set.
struct Operations {
  Index panelColumns;
  Index flopPerRound;  // of multiplyAddRounds
  Index (*scratchFloats)(Index headDim, Index valueDim);
  void (*pack)(const Packing&);
  void (*project)(const Projection&);
  void (*attend)(const Attention&);
  void (*merge)(const Merge&);
  float (*multiplyAddRounds)(Index rounds, float seed);
  float (*sumFloats)(const float* data, Index count);  // reads `count` floats once, as fast as memory gives them
};

}  // namespace headpool
