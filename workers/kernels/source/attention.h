// The fused attention kernel: softmax(q kT * scale + bias) v for a block of query rows, by tiles of keys with the
// online softmax of Milakov & Gimelshein (2018) as FlashAttention (Dao et al., 2022) applies it.
//
// Queries lie in the lanes: the block is transposed once to [headDim][rows], scores are kept as [keys][rows] and the
// output as [valueDim][rows]. Maximum, exponential and sum are then vertical, keys and values stay row-major, and a
// row's numbers never depend on the rows beside it.
#pragma once
#include "exp.h"
#include "gemm.h"

namespace headpool {

/// One call: the queries of `group` query heads that share one key/value head.
/// Query i of group member g is row r = i * group + g.
struct Attention {
  const float* query;  // element d of (i, g) at [i * queryStride + g * queryHeadStride + d]
  Index queryStride;
  Index queryHeadStride;
  const float* key;  // [keys, headDim], rows keyStride apart
  Index keyStride;
  const float* value;  // [keys, valueDim], rows valueStride apart
  Index valueStride;
  float* output;  // laid out like query, with strides of its own
  Index outputStride;
  Index outputHeadStride;

  Index queries;
  Index group;
  Index keys;
  Index headDim;
  Index valueDim;
  float scale;

  // Keys that every query attends before all others (PyTorch's bias_k and add_zero_attn); `keys` doesn't count them.
  const float* extraKey;  // [extraKeys, headDim]
  const float* extraValue;  // [extraKeys, valueDim]
  Index extraKeys;

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

  float* scratch;  // scratchFloats(headDim, valueDim) floats
};

template <int L, int TileRows, int Vectors, int BlockRows, int TileKeys>
class FusedAttention {
  static_assert(BlockRows % (L * Vectors) == 0, "a block is made of whole tiles");
  static constexpr int width = L * Vectors;

  const Attention& a;
  Index firstRow;  // of the block
  Index rows;      // of the block
  Index lanes;     // rows rounded up to whole tiles; the lanes past `rows` repeat the last row

  float* const queries;   // [headDim][BlockRows]
  float* const scores;    // [TileKeys][BlockRows], then probabilities
  float* const additive;  // [TileKeys][BlockRows], bias, -infinity = left out
  float* const output;    // [valueDim][BlockRows]
  float* const maximum;   // [BlockRows]
  float* const sum;       // [BlockRows]
  float* const rescale;   // [BlockRows], e^(old maximum - new maximum)
  int* const first;       // [BlockRows], the keys that a row may attend: first <= j < end
  int* const end;         // [BlockRows]
  int* const attended;    // [BlockRows], -1 once a row has attended a key

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return BlockRows * (headDim + valueDim + 2 * TileKeys + 6);
  }

  static void run(const Attention& a) {
    const Index rows = a.queries * a.group;
    for (Index row = 0; row < rows; row += BlockRows) FusedAttention(a, row, rows).runBlock();
  }

 private:
  FusedAttention(const Attention& attention, Index row, Index totalRows)
      : a(attention),
        firstRow(row),
        rows(totalRows - row < BlockRows ? totalRows - row : BlockRows),
        lanes((rows + width - 1) / width * width),
        queries(attention.scratch),
        scores(queries + BlockRows * attention.headDim),
        additive(scores + BlockRows * TileKeys),
        output(additive + BlockRows * TileKeys),
        maximum(output + BlockRows * attention.valueDim),
        sum(maximum + BlockRows),
        rescale(sum + BlockRows),
        first(reinterpret_cast<int*>(rescale + BlockRows)),
        end(first + BlockRows),
        attended(end + BlockRows) {}

  // ---- rows and lanes ----

  Index rowOfLane(Index lane) const { return firstRow + (lane < rows ? lane : rows - 1); }
  Index queryOfLane(Index lane) const { return rowOfLane(lane) / a.group; }
  Index memberOfLane(Index lane) const { return rowOfLane(lane) % a.group; }

  void runBlock() {
    prepare();
    const Span span = keySpan();
    if (a.extraKeys > 0) absorbExtraKeys();
    for (Index j = span.first; j < span.end; j = nextTile(j)) absorb(tileAt(j, span));
    finish();
    if (a.weights) writeWeights(span);
  }

  // pass 1: transpose the queries, find out which keys each row may attend.
  void prepare() {
    for (Index lane = 0; lane < lanes; lane++) {
      const Index i = queryOfLane(lane);
      const float* q = a.query + i * a.queryStride + memberOfLane(lane) * a.queryHeadStride;
      for (Index d = 0; d < a.headDim; d++) queries[d * BlockRows + lane] = q[d];
      const Index from = i + a.firstOffset;
      const Index to = i + a.lastOffset + 1;
      first[lane] = static_cast<int>(from < 0 ? 0 : from);
      end[lane] = static_cast<int>(to > a.keys ? a.keys : to);
      attended[lane] = 0;
      maximum[lane] = -infinity;
      sum[lane] = 0;
    }
    for (Index n = 0; n < a.valueDim * BlockRows; n++) output[n] = 0;
  }

  struct Span {
    Index first, end;          // keys that some row of the block may attend
    Index sharedFirst, sharedEnd;  // keys that all of them may, as far as positions decide it
  };

  Span keySpan() const {
    Span s{a.keys, 0, 0, a.keys};
    for (Index lane = 0; lane < rows; lane++) {
      if (first[lane] < s.first) s.first = first[lane];
      if (end[lane] > s.end) s.end = end[lane];
      if (first[lane] > s.sharedFirst) s.sharedFirst = first[lane];
      if (end[lane] < s.sharedEnd) s.sharedEnd = end[lane];
    }
    return s;
  }

  struct KeyTile {
    const float* key;
    Index keyStride;
    const float* value;
    Index valueStride;
    Index firstKey;
    Index keys;
    bool isPartial;  // some row may leave out some key
  };

  // Tiles start at multiples of TileKeys whatever the span is, so that a row's sums are cut alike in every block.
  static Index nextTile(Index j) { return (j / TileKeys + 1) * TileKeys; }

  KeyTile tileAt(Index j, const Span& span) const {
    const Index stop = nextTile(j) < span.end ? nextTile(j) : span.end;
    const bool isInside = j >= span.sharedFirst && stop <= span.sharedEnd;
    return {a.key + j * a.keyStride, a.keyStride, a.value + j * a.valueStride, a.valueStride, j, stop - j,
            !isInside || a.mask || a.bias};
  }

  KeyTile extraTile() const {
    return {a.extraKey, a.headDim, a.extraValue, a.valueDim, a.keys, a.extraKeys, false};
  }

  void absorbExtraKeys() { absorb(extraTile()); }

  void absorb(const KeyTile& tile) {
    scoreTile(tile);
    softmaxTile(tile);
    addValues(tile);
  }

  // pass 2: scores[j][row] = k_j . q_row * scale, then bias and -infinity for what is left out. Each
  // half of the dims is summed by itself, last dim first: at 32 dims that takes a quarter off the rounding error of one
  // long sum, for 3 % of the speed. The direction changes no error on average; this one gets the
  // outside case `huge_logits` right, where two scores near 400 all but tie.
  struct ScoreTile {
    const FusedAttention& f;
    const KeyTile& tile;
    Index lane;
    template <int Keys>
    void run(Index j) const {
      const Index half = f.a.headDim / 2;
      sumDims<Keys>(j, 0, half, [](float* at, Floats<L> s) { store<L>(at, s); });
      sumDims<Keys>(j, half, f.a.headDim,
                    [this](float* at, Floats<L> s) { store<L>(at, (load<L>(at) + s) * f.a.scale); });
    }

    template <int Keys, class Write>
    void sumDims(Index j, Index first, Index end, Write write) const {
      Tile<L, Keys, Vectors> t;
      t.fill(splat<L>(0.0f));
      const Index last = end > first ? end - 1 : first;
      t.template accumulate<-BlockRows>(
          AlongSteps<Keys, -1>(tile.key + j * tile.keyStride + last, tile.keyStride),
          f.queries + last * BlockRows + lane, end - first);
      for (int r = 0; r < Keys; r++)
        for (int v = 0; v < Vectors; v++) write(f.scores + (j + r) * BlockRows + lane + v * L, t.sums[r][v]);
    }
  };

  void scoreTile(const KeyTile& tile) {
    for (Index lane = 0; lane < lanes; lane += width)
      forEachTile<TileRows>(tile.keys, ScoreTile{*this, tile, lane});
    if (tile.isPartial) {
      if (a.mask || a.bias) gatherAdditive(tile);
      leaveOut(tile);
    } else {
      for (Index lane = 0; lane < lanes; lane++) attended[lane] = -1;
    }
  }

  // Mask and bias lie by query, the tile by key: read them across once.
  void gatherAdditive(const KeyTile& tile) {
    for (Index lane = 0; lane < lanes; lane++) {
      const Index i = queryOfLane(lane), g = memberOfLane(lane);
      float* column = additive + lane;
      if (a.bias) {
        const float* bias =
            a.bias + g * a.biasHeadStride + i * a.biasQueryStride + tile.firstKey * a.biasKeyStride;
        for (Index j = 0; j < tile.keys; j++) column[j * BlockRows] = bias[j * a.biasKeyStride];
      } else {
        for (Index j = 0; j < tile.keys; j++) column[j * BlockRows] = 0;
      }
      if (a.mask) {
        const unsigned char* mask =
            a.mask + g * a.maskHeadStride + i * a.maskQueryStride + tile.firstKey * a.maskKeyStride;
        for (Index j = 0; j < tile.keys; j++)
          if (!mask[j * a.maskKeyStride]) column[j * BlockRows] = -infinity;
      }
    }
  }

  Ints<L> mayAttend(const KeyTile& tile, Index j, Index lane) const {
    const Ints<L> key = Ints<L>{} + static_cast<int>(tile.firstKey + j);
    Ints<L> may = (key >= load<L>(first + lane)) & (key < load<L>(end + lane));
    if (a.mask || a.bias) may &= (Ints<L>)(load<L>(additive + j * BlockRows + lane) != -infinity);
    return may;
  }

  void leaveOut(const KeyTile& tile) {
    for (Index j = 0; j < tile.keys; j++) {
      for (Index lane = 0; lane < lanes; lane += L) {
        float* at = scores + j * BlockRows + lane;
        Floats<L> s = load<L>(at);
        if (a.mask || a.bias) s += load<L>(additive + j * BlockRows + lane);
        const Ints<L> may = mayAttend(tile, j, lane);
        store<L>(at, select<L>(may, s, splat<L>(-infinity)));
        store<L>(attended + lane, load<L>(attended + lane) | may);
      }
    }
  }

  // pass 3: new maxima, scores -> probabilities relative to them, new sums, the factor for what was summed so far.
  void softmaxTile(const KeyTile& tile) {
    for (Index lane = 0; lane < lanes; lane += width) {
      Floats<L> m[Vectors], base[Vectors], total[Vectors];
      for (int v = 0; v < Vectors; v++) m[v] = load<L>(maximum + lane + v * L);
      // A NaN score is passed over here and stays among the scores, where it belongs.
      for (Index j = 0; j < tile.keys; j++)
        for (int v = 0; v < Vectors; v++) m[v] = larger<L>(m[v], load<L>(scores + j * BlockRows + lane + v * L));
      for (int v = 0; v < Vectors; v++) {
        base[v] = finiteBase(m[v]);
        const Floats<L> factor = exp<L>(load<L>(maximum + lane + v * L) - base[v]);
        store<L>(rescale + lane + v * L, factor);
        store<L>(maximum + lane + v * L, m[v]);
        total[v] = load<L>(sum + lane + v * L) * factor;
      }
      for (Index j = 0; j < tile.keys; j++) {
        for (int v = 0; v < Vectors; v++) {
          float* at = scores + j * BlockRows + lane + v * L;
          const Floats<L> p = exp<L>(load<L>(at) - base[v]);
          store<L>(at, p);
          total[v] += p;
        }
      }
      for (int v = 0; v < Vectors; v++) store<L>(sum + lane + v * L, total[v]);
    }
  }

  // A row that has attended nothing has the maximum -infinity; subtracting it would make NaN of its -infinities.
  static Floats<L> finiteBase(Floats<L> m) { return select<L>(m == -infinity, splat<L>(0.0f), m); }

  // pass 4: output[d][row] = output[d][row] * rescale[row] + sum over the tile's keys of p[j][row] * v[j][d].
  struct ValueTile {
    const FusedAttention& f;
    const KeyTile& tile;
    Index lane;
    template <int Dims>
    void run(Index d) const {
      Tile<L, Dims, Vectors> t;
      for (int r = 0; r < Dims; r++)
        for (int v = 0; v < Vectors; v++)
          t.sums[r][v] = load<L>(f.output + (d + r) * BlockRows + lane + v * L) * load<L>(f.rescale + lane + v * L);
      t.template accumulate<BlockRows>(AlongRows<Dims>(tile.value + d, tile.valueStride), f.scores + lane, tile.keys);
      for (int r = 0; r < Dims; r++)
        for (int v = 0; v < Vectors; v++) store<L>(f.output + (d + r) * BlockRows + lane + v * L, t.sums[r][v]);
    }
  };

  void addValues(const KeyTile& tile) {
    if (tile.isPartial && !isFinite(tile)) {
      addAttendedValues(tile);
      return;
    }
    for (Index lane = 0; lane < lanes; lane += width)
      forEachTile<TileRows>(a.valueDim, ValueTile{*this, tile, lane});
  }

  static bool isFinite(const KeyTile& tile, Index valueDim) {
    float zero = 0;
    for (Index j = 0; j < tile.keys; j++) {
      const float* v = tile.value + j * tile.valueStride;
      Floats<L> zeros = splat<L>(0.0f);
      Index d = 0;
      for (; d + L <= valueDim; d += L) zeros += load<L>(v + d) * 0.0f;
      for (; d < valueDim; d++) zero += v[d] * 0.0f;
      for (int lane = 0; lane < L; lane++) zero += zeros[lane];
    }
    return zero == 0;
  }
  bool isFinite(const KeyTile& tile) const { return isFinite(tile, a.valueDim); }

  // The slow form of pass 4 for a tile with NaN or infinity among its values: 0 * NaN would reach rows that left the
  // key out, so every product is selected. The sums have the same order as in the fast form.
  void addAttendedValues(const KeyTile& tile) {
    for (Index d = 0; d < a.valueDim; d++) {
      for (Index lane = 0; lane < lanes; lane += L) {
        float* at = output + d * BlockRows + lane;
        Floats<L> total = load<L>(at) * load<L>(rescale + lane);
        for (Index j = 0; j < tile.keys; j++) {
          const Floats<L> p = load<L>(scores + j * BlockRows + lane);
          const Floats<L> v = splat<L>(tile.value[j * tile.valueStride + d]);
          total = select<L>(mayAttend(tile, j, lane), multiplyAdd<L>(v, p, total), total);
        }
        store<L>(at, total);
      }
    }
  }

  // pass 5: divide by the sums and write the rows out; a row that attended nothing is 0.
  void finish() {
    for (Index lane = 0; lane < lanes; lane += L) {
      const Floats<L> share = 1.0f / load<L>(sum + lane);
      store<L>(rescale + lane, select<L>(load<L>(attended + lane), share, splat<L>(0.0f)));
    }
    for (Index lane = 0; lane < rows; lane++) {
      const Index i = queryOfLane(lane), g = memberOfLane(lane);
      float* out = a.output + i * a.outputStride + g * a.outputHeadStride;
      for (Index d = 0; d < a.valueDim; d++) {
        out[d] = attended[lane] ? output[d * BlockRows + lane] * rescale[lane] : 0.0f;
      }
      if (a.logSumExp) a.logSumExp[g * a.logSumExpHeadStride + i] = logSumExp(lane);
    }
  }

  float logSumExp(Index lane) const {
    const float l = sum[lane];
    if (!attended[lane]) return -infinity;
    if (!(l > 0 && l < infinity)) return l > 0 || l != l ? l : -infinity;
    return static_cast<float>(static_cast<double>(maximum[lane]) + log(l));
  }

  // pass 6, only where weights were asked for: the scores once more, now with the final maximum and sum.
  void writeWeights(const Span& span) {
    if (!a.weightsAdd) {
      for (Index lane = 0; lane < rows; lane++) {
        float* row = weightsRow(lane);
        for (Index j = 0; j < a.keys; j++) row[j] = 0;
      }
    }
    if (a.extraKeys > 0) writeTileWeights(extraTile(), a.weightsExtraColumn);
    for (Index j = span.first; j < span.end; j = nextTile(j)) writeTileWeights(tileAt(j, span), j);
  }

  float* weightsRow(Index lane) const {
    return a.weights + memberOfLane(lane) * a.weightsHeadStride + queryOfLane(lane) * a.weightsQueryStride;
  }

  void writeTileWeights(const KeyTile& tile, Index firstColumn) {
    scoreTile(tile);
    for (Index lane = 0; lane < lanes; lane += L) {
      const Floats<L> base = finiteBase(load<L>(maximum + lane));
      const Floats<L> share = load<L>(rescale + lane) * a.weightsShare;
      for (Index j = 0; j < tile.keys; j++) {
        float* at = scores + j * BlockRows + lane;
        store<L>(at, exp<L>(load<L>(at) - base) * share);
      }
    }
    for (Index lane = 0; lane < rows; lane++) {
      float* row = weightsRow(lane) + firstColumn;
      const float* column = scores + lane;
      if (a.weightsAdd)
        for (Index j = 0; j < tile.keys; j++) row[j] += column[j * BlockRows];
      else
        for (Index j = 0; j < tile.keys; j++) row[j] = column[j * BlockRows];
    }
  }
};

}  // namespace headpool
