// The operations of a compiled kernel and their parameters: what a binding needs to know of it. No templates.
#pragma once

namespace headpool {

using Index = __PTRDIFF_TYPE__;

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
  const float* rows;  // [rowCount, depth], rows `rowStride` apart
  Index rowStride;
  Index rowCount;
  Index depth;
  const float* panels;  // as `pack` leaves them
  Index columns;
  float* output;  // [rowCount, columns], rows `outputStride` apart
  Index outputStride;
};

/// How keys and values are stored; they are computed on as float32.
enum Storage : Index { float32 = 0, float16 = 1, bfloat16 = 2 };

/// softmax(adjusted(q kT * scale)) v for the queries of `group` query heads that share one key/value head. A score is
/// capped, then gets its ALiBi term and its bias, and is then left out or not.
/// Query i of group member g is row r = i * group + g.
struct Attention {
  const float* query;  // element d of (i, g) at [i * queryStride + g * queryHeadStride + d]
  Index queryStride;
  Index queryHeadStride;
  const void* key;  // [keys, headDim], rows keyStride elements apart
  Index keyStride;
  const void* value;  // [keys, valueDim], rows valueStride elements apart
  Index valueStride;
  Index storage;  // a Storage: of keys and values
  // Where keys lie in pages of pageKeys rows (a multiple of every kernel's tile): row j of keys and of values is row
  // j % pageKeys of page pages[j / pageKeys], and pages lie pageStride elements apart. Null where rows follow one
  // another.
  const int* pages;
  Index pageKeys;
  Index pageStride;
  float* output;  // laid out like query, with strides of its own
  Index outputStride;
  Index outputHeadStride;

  Index queries;
  Index group;
  Index keys;
  Index headDim;
  Index valueDim;
  float scale;
  float softcap;  // c of c * tanh(score / c); 0 = none

  // Keys that every query attends before all others (PyTorch's bias_k and add_zero_attn); `keys` doesn't count them.
  const float* extraKey;    // [extraKeys, headDim]
  const float* extraValue;  // [extraKeys, valueDim]
  Index extraKeys;

  // Query i stands at i + position on the diagonal: key j of the sequence stands at j.
  Index position;
  // Query i may attend keys first <= j <= last with first = i + firstOffset, last = i + lastOffset, cut to the keys.
  Index firstOffset;
  Index lastOffset;

  // Element (g, i, j) at [g * headStride + i * queryStride + j * keyStride]; null where not given.
  const unsigned char* mask;  // 0 = left out
  Index maskHeadStride;
  Index maskQueryStride;
  Index maskKeyStride;
  const float* bias;  // added to the scaled score; -infinity = left out
  Index biasHeadStride;
  Index biasQueryStride;
  Index biasKeyStride;

  // One number a member of the group; null where not given.
  const float* alibiSlopes;  // slope * |position of the query - j| is subtracted from the score
  const float* sinks;        // a logit that joins the softmax's denominator
  const float* headScale;    // a factor of the output; 0 gives exact zeros

  // Score of (g, i, j) at [g * scoresHeadStride + i * scoresQueryStride + j] as it is after scoresStage, extra keys
  // from the column scoresExtraColumn on. Null where not asked for.
  float* scores;
  Index scoresHeadStride;
  Index scoresQueryStride;
  Index scoresExtraColumn;
  Index scoresStage;  // a ScoreStage

  // Probability of (g, i, j) at [g * weightsHeadStride + i * weightsQueryStride + j], extra keys from the column
  // weightsExtraColumn on; multiplied by weightsShare and, where weightsAdd is set, added to what is there. Null where
  // not asked for.
  float* weights;
  Index weightsHeadStride;
  Index weightsQueryStride;
  float weightsShare;
  Index weightsAdd;
  Index weightsExtraColumn;

  float* logSumExp;  // of (g, i) at [g * logSumExpHeadStride + i], natural logarithm; null where not asked for
  Index logSumExpHeadStride;

  float* statistics;  // RowStatistics of row r at [r * rowStatistics]; null where not asked for

  // At most mostDecodingRows rows, to be computed as memory gives the keys and values: dims in the lanes. Elsewhere
  // rows lie in the lanes. The caller decides, by what must not change the bytes of a row.
  Index isDecoding;
  // When decoding over a part of the keys: where `merge` finds what the rows gathered, partialFloats(valueDim) a row;
  // output and logSumExp are not written then, nor is headScale applied. Null to write them.
  float* partial;

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

/// Floats of what a row gathered over a part of its keys: the output before the division, the maximum, the sum, and 1
/// if it attended a key.
constexpr Index partialFloats(Index valueDim) { return valueDim + 3; }

/// The parts of rows, each over a range of keys, put together in the order of the ranges.
struct Merge {
  const float* partial;  // row r of range c at [c * rangeStride + r * partialFloats(valueDim)]
  Index ranges;
  Index rangeStride;
  Index rows;  // row r is query r / group of group member r % group
  Index group;
  Index valueDim;
  float* output;  // as in Attention
  Index outputStride;
  Index outputHeadStride;
  float* logSumExp;
  Index logSumExpHeadStride;
  const float* headScale;
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
