// The fused attention kernel: softmax(q kT * scale + bias) v for a block of query rows, by tiles of keys with the
// online softmax of Milakov & Gimelshein (2018) as FlashAttention (Dao et al., 2022) applies it.
//
// Queries lie in the lanes: the block is transposed once to [headDim][rows], scores are kept as [keys][rows] and the
// output as [valueDim][rows]. Maximum, exponential and sum are then vertical, keys and values stay row-major, and a
// row's numbers never depend on the rows beside it.
#pragma once
#include "exp.h"
#include "key_tiles.h"
#include "tile.h"
#include "transpose.h"

namespace headpool {
namespace {

template <class Target>
class FusedAttention {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;
  static constexpr int tileKeys = Target::tileKeys;
  static_assert(blockRows % L == 0, "a block is made of whole vectors");
  using Tiles = KeyTiles<tileKeys>;

  const Attention& a;
  const Index firstRow;  // of the block
  const Index rows;      // of the block
  const Index lanes;     // rows rounded up to whole vectors; the lanes past `rows` repeat the last row
  const Tiles tiles;

  float* const queries;   // [headDim][blockRows]
  float* const scores;    // [tileKeys][blockRows], then probabilities
  float* const additive;  // [tileKeys][blockRows], bias, -infinity = left out
  float* const output;    // [valueDim][blockRows]
  float* const maximum;   // [blockRows]
  float* const sum;       // [blockRows]
  float* const rescale;   // [blockRows], e^(old maximum - new maximum)
  int* const first;       // [blockRows], the keys that a row may attend: first <= j < end
  int* const end;         // [blockRows]
  int* const attended;    // [blockRows], -1 once a row has attended a key

 public:
  static Index scratchFloats(Index headDim, Index valueDim) {
    return blockRows * (headDim + valueDim + 2 * tileKeys + 6);
  }

  static void run(const Attention& a) {
    const Index rows = a.queries * a.group;
    for (Index row = 0; row < rows; row += blockRows) {
      FusedAttention(a, row, rows - row < blockRows ? rows - row : blockRows).runBlock();
    }
  }

 private:
  FusedAttention(const Attention& attention, Index row, Index rowCount)
      : a(attention),
        firstRow(row),
        rows(rowCount),
        lanes((rowCount + L - 1) / L * L),
        tiles(attention, row / attention.group, (row + rowCount - 1) / attention.group),
        queries(attention.scratch),
        scores(queries + blockRows * attention.headDim),
        additive(scores + blockRows * tileKeys),
        output(additive + blockRows * tileKeys),
        maximum(output + blockRows * attention.valueDim),
        sum(maximum + blockRows),
        rescale(sum + blockRows),
        first(reinterpret_cast<int*>(rescale + blockRows)),
        end(first + blockRows),
        attended(end + blockRows) {}

  void runBlock() {
    prepare();
    tiles.forEach([this](const KeyTile& tile) {
      scoreTile(tile);
      softmaxTile(tile);
      addValues(tile);
    });
    finish();
    if (a.weights) writeWeights();
  }

  // ---- rows and lanes ----

  Index rowOfLane(Index lane) const { return firstRow + (lane < rows ? lane : rows - 1); }
  Index queryOfLane(Index lane) const { return rowOfLane(lane) / a.group; }
  Index memberOfLane(Index lane) const { return rowOfLane(lane) % a.group; }

  /// Runs `Body<Vectors>{*this, tile, lane}` over `rowCount` rows of register tiles, for all lanes.
  template <template <int> class Body>
  struct Column {
    FusedAttention& f;
    const KeyTile& tile;
    Index rowCount;
    template <int Vectors>
    void run(Index vector) const {
      forEachPiece<tileRows(Target::sums, Vectors)>(rowCount, Body<Vectors>{f, tile, vector * L});
    }
  };

  template <template <int> class Body>
  void forEachRegisterTile(const KeyTile& tile, Index rowCount) {
    forEachPiece<Target::attendVectors>(lanes / L, Column<Body>{*this, tile, rowCount});
  }

  // ---- pass 1: transpose the queries, find out which keys each row may attend ----

  void prepare() {
    for (Index lane = 0; lane < lanes; lane += L) {
      const float* rowsOfLanes[L];
      for (int n = 0; n < L; n++) {
        const Index i = queryOfLane(lane + n);
        rowsOfLanes[n] = a.query + i * a.queryStride + memberOfLane(lane + n) * a.queryHeadStride;
        const KeyRange range = keysOf(a, i);
        first[lane + n] = static_cast<int>(range.first);
        end[lane + n] = static_cast<int>(range.end);
        attended[lane + n] = 0;
        maximum[lane + n] = -infinity;
        sum[lane + n] = 0;
      }
      rowsIntoLanes<L>(rowsOfLanes, a.headDim, queries + lane, blockRows);
    }
    for (Index n = 0; n < a.valueDim * blockRows; n++) output[n] = 0;
  }

  // ---- pass 2: scores[j][row] = k_j . q_row * scale, then bias, and -infinity for what is left out ----

  // Each half of the dims is summed by itself, last dim first: at 32 dims that takes a quarter off the rounding error
  // of one long sum, for 3 % of the speed. The direction changes no error on average; this one gets the outside case
  // `huge_logits` right, where two scores near 400 all but tie.
  template <int Vectors>
  struct ScoreTile {
    FusedAttention& f;
    const KeyTile& tile;
    Index lane;

    template <int Keys>
    [[gnu::noinline]] void run(Index j) const {
      const Index half = f.a.headDim / 2;
      float* const to = f.scores + j * blockRows + lane;
      Tile<L, Keys, Vectors> t;
      t.fill(0);
      sumDims(t, j, 0, half);
      t.write(to, blockRows);
      t.fill(0);
      sumDims(t, j, half, f.a.headDim);
      t.add(to, blockRows);
      t.scale(f.a.scale);
      t.write(to, blockRows);
    }

    template <int Keys>
    [[gnu::always_inline]] inline void sumDims(Tile<L, Keys, Vectors>& t, Index j, Index first, Index end) const {
      const Index last = end > first ? end - 1 : first;
      AlongSteps<Keys, -1> keys(tile.key + j * tile.keyStride + last, tile.keyStride);
      t.template accumulate<-blockRows>(keys, f.queries + last * blockRows + lane, end - first);
    }
  };

  void scoreTile(const KeyTile& tile) {
    forEachRegisterTile<ScoreTile>(tile, tile.keys);
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
        const float* bias = a.bias + g * a.biasHeadStride + i * a.biasQueryStride + tile.firstKey * a.biasKeyStride;
        for (Index j = 0; j < tile.keys; j++) column[j * blockRows] = bias[j * a.biasKeyStride];
      } else {
        for (Index j = 0; j < tile.keys; j++) column[j * blockRows] = 0;
      }
      if (a.mask) {
        const unsigned char* mask =
            a.mask + g * a.maskHeadStride + i * a.maskQueryStride + tile.firstKey * a.maskKeyStride;
        for (Index j = 0; j < tile.keys; j++)
          if (!mask[j * a.maskKeyStride]) column[j * blockRows] = -infinity;
      }
    }
  }

  Ints<L> mayAttend(const KeyTile& tile, Index j, Index lane) const {
    const Ints<L> key = Ints<L>{} + static_cast<int>(tile.firstKey + j);
    Ints<L> may = (key >= load<L>(first + lane)) & (key < load<L>(end + lane));
    if (a.mask || a.bias) may &= (Ints<L>)(load<L>(additive + j * blockRows + lane) != -infinity);
    return may;
  }

  void leaveOut(const KeyTile& tile) {
    for (Index j = 0; j < tile.keys; j++) {
      for (Index lane = 0; lane < lanes; lane += L) {
        float* at = scores + j * blockRows + lane;
        Floats<L> s = load<L>(at);
        if (a.mask || a.bias) s += load<L>(additive + j * blockRows + lane);
        const Ints<L> may = mayAttend(tile, j, lane);
        store<L>(at, select<L>(may, s, splat<L>(-infinity)));
        store<L>(attended + lane, load<L>(attended + lane) | may);
      }
    }
  }

  // ---- pass 3: new maxima, scores -> probabilities relative to them, new sums, the factor for what was summed ----

  void softmaxTile(const KeyTile& tile) {
    for (Index lane = 0; lane < lanes; lane += L) {
      const Floats<L> before = load<L>(maximum + lane);
      Floats<L> m = before;
      // A NaN score is passed over here and stays among the scores, where it belongs.
      for (Index j = 0; j < tile.keys; j++) m = larger<L>(m, load<L>(scores + j * blockRows + lane));
      const Floats<L> base = finiteBase<L>(m);
      const Floats<L> factor = exp<L>(before - base);
      // A tile is summed by itself: the rounding error of a row's sum grows with its tiles, not with its keys.
      Floats<L> total = splat<L>(0.0f);
      for (Index j = 0; j < tile.keys; j++) {
        float* at = scores + j * blockRows + lane;
        const Floats<L> p = exp<L>(load<L>(at) - base);
        store<L>(at, p);
        total += p;
      }
      store<L>(maximum + lane, m);
      store<L>(rescale + lane, factor);
      store<L>(sum + lane, multiplyAdd<L>(load<L>(sum + lane), factor, total));
    }
  }

  // ---- pass 4: output[d][row] = output[d][row] * rescale[row] + sum over the tile's keys of p[j][row] * v[j][d] ----

  template <int Vectors>
  struct ValueTile {
    FusedAttention& f;
    const KeyTile& tile;
    Index lane;

    template <int Dims>
    [[gnu::noinline]] void run(Index d) const {
      float* const to = f.output + d * blockRows + lane;
      Tile<L, Dims, Vectors> t;
      t.fill(0);
      AlongRows<Dims> values(tile.value + d, tile.valueStride);
      t.template accumulate<blockRows>(values, f.scores + lane, tile.keys);
      t.addScaled(to, blockRows, f.rescale + lane);
      t.write(to, blockRows);
    }
  };

  void addValues(const KeyTile& tile) {
    if (tile.isPartial && !areFinite<L>(tile, a.valueDim)) {
      addAttendedValues(tile);
    } else {
      forEachRegisterTile<ValueTile>(tile, a.valueDim);
    }
  }

  // The slow form for a tile with NaN or infinity among its values: 0 * NaN would reach rows that left the key out, so
  // every product is selected. The sums have the same order as in the fast form.
  void addAttendedValues(const KeyTile& tile) {
    for (Index d = 0; d < a.valueDim; d++) {
      for (Index lane = 0; lane < lanes; lane += L) {
        float* at = output + d * blockRows + lane;
        Floats<L> total = splat<L>(0.0f);
        for (Index j = 0; j < tile.keys; j++) {
          const Floats<L> p = load<L>(scores + j * blockRows + lane);
          const Floats<L> v = splat<L>(tile.value[j * tile.valueStride + d]);
          total = select<L>(mayAttend(tile, j, lane), multiplyAdd<L>(v, p, total), total);
        }
        store<L>(at, multiplyAdd<L>(load<L>(at), load<L>(rescale + lane), total));
      }
    }
  }

  // ---- pass 5: divide by the sums and write the rows out; a row that attended nothing is 0 ----

  void finish() {
    for (Index lane = 0; lane < lanes; lane += L) {
      const Ints<L> hasAttended = load<L>(attended + lane);
      const Floats<L> share = select<L>(hasAttended, 1.0f / load<L>(sum + lane), splat<L>(0.0f));
      store<L>(rescale + lane, share);
      float* rowsOfLanes[L];
      for (int n = 0; n < L; n++)
        rowsOfLanes[n] = a.output + queryOfLane(lane + n) * a.outputStride + memberOfLane(lane + n) * a.outputHeadStride;
      const Index count = rows - lane < L ? rows - lane : L;
      lanesIntoRows<L>(output + lane, blockRows, share, rowsOfLanes, count, a.valueDim);
    }
    if (!a.logSumExp) return;
    for (Index lane = 0; lane < rows; lane++) {
      a.logSumExp[memberOfLane(lane) * a.logSumExpHeadStride + queryOfLane(lane)] =
          logSumExp(attended[lane], maximum[lane], sum[lane]);
    }
  }

  // ---- pass 6, only where weights were asked for: the scores once more, now with the final maximum and sum ----

  void writeWeights() {
    if (!a.weightsAdd) {
      for (Index lane = 0; lane < rows; lane++) {
        float* row = weightsRow(lane);
        for (Index j = 0; j < a.keys; j++) row[j] = 0;
      }
    }
    tiles.forEach([this](const KeyTile& tile) { writeTileWeights(tile); });
  }

  float* weightsRow(Index lane) const {
    return a.weights + memberOfLane(lane) * a.weightsHeadStride + queryOfLane(lane) * a.weightsQueryStride;
  }

  void writeTileWeights(const KeyTile& tile) {
    scoreTile(tile);
    for (Index lane = 0; lane < lanes; lane += L) {
      const Floats<L> base = finiteBase<L>(load<L>(maximum + lane));
      const Floats<L> share = load<L>(rescale + lane) * a.weightsShare;
      for (Index j = 0; j < tile.keys; j++) {
        float* at = scores + j * blockRows + lane;
        store<L>(at, exp<L>(load<L>(at) - base) * share);
      }
    }
    for (Index lane = 0; lane < rows; lane++) {
      float* row = weightsRow(lane) + tile.weightsColumn;
      const float* column = scores + lane;
      if (a.weightsAdd)
        for (Index j = 0; j < tile.keys; j++) row[j] += column[j * blockRows];
      else
        for (Index j = 0; j < tile.keys; j++) row[j] = column[j * blockRows];
    }
  }
};

}  // namespace
}  // namespace headpool
