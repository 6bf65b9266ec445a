// The tensors of one case of attention: each guarded, with gaps between rows where its strides leave some, and filled
// only where the contract says that an element lies.
#pragma once
#include <float.h>

#include <initializer_list>
#include <memory>
#include <vector>

#include "attention_options.h"
#include "reference.h"

namespace headpool::test {

struct Shape {
  Index queries;
  Index group;
  Index keys;
  Index headDim;
  Index valueDim;
  Index extraKeys;
};

class AttentionOperands {
  using Floats = std::unique_ptr<Guarded<float>>;
  using Bytes = std::unique_ptr<Guarded<unsigned char>>;

  Random& random;
  Floats query, extraKey, extraValue, bias, alibiSlopes, sinks, headScale, scratch;
  std::unique_ptr<Guarded<int>> pages;
  std::unique_ptr<StoredRows> key, value;
  Bytes mask;

 public:
  Attention a{};
  Floats output, weights, scores, statistics, logSumExp;
  std::vector<float> weightsBefore;  // as far as they are added to

  AttentionOperands(Random& source, const Shape& s, Index scratchFloats) : random(source) {
    a.queries = s.queries;
    a.group = s.group;
    a.keys = s.keys;
    a.headDim = s.headDim;
    a.valueDim = s.valueDim;
    a.extraKeys = s.extraKeys;
    setScale(random, a);
    setSoftcap(random, a);
    setBounds(random, a);
    setStorage(random, a);
    setScoresStage(random, a);
    makeInputs();
    makeNumbersOfMembers();
    if (random.once(3)) makeMask();
    if (random.once(3)) makeBias();
    if (random.once(3)) poisonLeftOut();
    if (random.once(20)) drown();
    makeRows(output, a.valueDim, &a.outputStride, &a.outputHeadStride);
    a.output = output->data();
    makeResults();
    scratch = makeFloats(scratchFloats);
    a.scratch = scratch->data();
  }

  Index rows() const { return a.queries * a.group; }
  Floats makeFloats(Index count) const { return std::make_unique<Guarded<float>>(count, side()); }

  /// Where the weight or score of key j lies, the extra keys behind the others.
  Index weightAt(Index i, Index g, Index j) const {
    return g * a.weightsHeadStride + i * a.weightsQueryStride + columnOf(j, a.weightsExtraColumn);
  }
  Index scoreAt(Index i, Index g, Index j) const {
    return g * a.scoresHeadStride + i * a.scoresQueryStride + columnOf(j, a.scoresExtraColumn);
  }

 private:
  Side side() const { return random.once(2) ? Side::behind : Side::before; }
  /// How much longer than its elements a row is: often nothing.
  Index gap() const { return random.once(2) ? 0 : 1 + random.below(9); }
  Index columnOf(Index j, Index extraColumn) const { return j < a.keys ? j : extraColumn + j - a.keys; }

  /// Room for a number for each query, member of the group and column, laid out by query or by member.
  void makeRows(Floats& tensor, Index columns, Index* queryStride, Index* headStride) const {
    const bool isByQuery = random.once(2);
    Index& inner = *(isByQuery ? headStride : queryStride);
    Index& outer = *(isByQuery ? queryStride : headStride);
    inner = columns + gap();
    outer = inner * (isByQuery ? a.group : a.queries) + gap();
    const Index end = (a.queries - 1) * *queryStride + (a.group - 1) * *headStride + columns;
    tensor = makeFloats(rows() == 0 ? 0 : end);
  }

  template <class Set>
  void forEachRow(Set set) const {
    for (Index i = 0; i < a.queries; i++)
      for (Index g = 0; g < a.group; g++) set(i, g);
  }

  void fill(float* row, Index count) const {
    for (Index n = 0; n < count; n++) row[n] = random.number();
  }

  // ---- queries, keys and values ----

  void makeInputs() {
    makeRows(query, a.headDim, &a.queryStride, &a.queryHeadStride);
    a.query = query->data();
    forEachRow(
        [this](Index i, Index g) { fill(query->data() + i * a.queryStride + g * a.queryHeadStride, a.headDim); });
    a.keyStride = a.headDim + gap();
    a.valueStride = a.valueDim + gap();
    if (random.once(3)) makePages();
    key = makeStored(a.headDim, a.keyStride);
    value = makeStored(a.valueDim, a.valueStride);
    a.key = key->data();
    a.value = value->data();
    extraKey = makeMatrix(a.headDim);
    extraValue = makeMatrix(a.valueDim);
    a.extraKey = extraKey->data();
    a.extraValue = extraValue->data();
  }

  /// Pages in any order, with others between them.
  void makePages() {
    a.pageKeys = wholePage * (1 + random.below(2));
    const Index count = (a.keys + a.pageKeys - 1) / a.pageKeys;
    const Index stride = a.keyStride > a.valueStride ? a.keyStride : a.valueStride;
    a.pageStride = a.pageKeys * stride + gap();
    pages = std::make_unique<Guarded<int>>(count, side());
    Deck numbers(random, range(0, count + random.below(3) - 1));
    for (int& page : *pages) page = static_cast<int>(numbers.deal());
    a.pages = pages->data();
  }

  std::unique_ptr<StoredRows> makeStored(Index columns, Index stride) const {
    auto stored = std::make_unique<StoredRows>(a, columns, stride, side());
    // Of 16 bits, some numbers without an exponent too.
    const float factor = a.storage == float16 && random.once(4) ? 0x1p-14f : 1.0f;
    for (Index j = 0; j < a.keys; j++)
      for (Index d = 0; d < columns; d++) stored->set(j, d, random.number() * factor);
    return stored;
  }

  /// Extra keys or values.
  Floats makeMatrix(Index columns) const {
    Floats matrix = makeFloats(a.extraKeys * columns);
    fill(matrix->data(), matrix->count());
    return matrix;
  }

  // ---- what changes scores and outputs ----

  void makeNumbersOfMembers() {
    if (random.once(3)) a.alibiSlopes = makeNumbers(alibiSlopes, {0.0f, 0.5f, 0.00390625f});
    // Sinks that no score reaches and sinks that reach none; infinitely low, they are not there at all.
    if (random.once(3)) a.sinks = makeNumbers(sinks, {-INFINITY, 20.0f, -20.0f, 200.0f, -FLT_MAX});
    if (random.once(3)) a.headScale = makeNumbers(headScale, {0.0f, 0.0f, -2.0f});
  }

  /// One number a member of the group: any, or one of `notable`.
  const float* makeNumbers(Floats& tensor, std::initializer_list<float> notable) const {
    tensor = makeFloats(a.group);
    for (float& number : *tensor) {
      const Index n = random.below(2 * static_cast<Index>(notable.size()));
      number = n < static_cast<Index>(notable.size()) ? notable.begin()[n] : random.number();
    }
    return tensor->data();
  }

  /// Strides of a mask or a bias, each 0 in some cases, so that one element serves many; returns the elements.
  Index spread(Index* headStride, Index* queryStride, Index* keyStride) const {
    *keyStride = random.once(5) ? 0 : random.once(9) ? 2 : 1;
    const Index row = a.keys * *keyStride + 1 + gap();
    *queryStride = random.once(4) ? 0 : row;
    *headStride = random.once(3) ? 0 : a.queries * row;
    if (rows() == 0 || a.keys == 0) return 0;
    return (a.group - 1) * *headStride + (a.queries - 1) * *queryStride + (a.keys - 1) * *keyStride + 1;
  }

  void makeMask() {
    const Index count = spread(&a.maskHeadStride, &a.maskQueryStride, &a.maskKeyStride);
    mask = std::make_unique<Guarded<unsigned char>>(count, side());
    a.mask = mask->data();
    forEachRow([this](Index i, Index g) {
      const bool isEmpty = random.once(9);
      unsigned char* const row = mask->data() + g * a.maskHeadStride + i * a.maskQueryStride;
      for (Index j = 0; j < a.keys; j++) row[j * a.maskKeyStride] = !isEmpty && !random.once(4) ? 1 : 0;
    });
  }

  /// Some keys are left out; some are only as low as can be, often all up to one: that is how others write a mask.
  void makeBias() {
    const Index count = spread(&a.biasHeadStride, &a.biasQueryStride, &a.biasKeyStride);
    bias = makeFloats(count);
    a.bias = bias->data();
    const Index lowest = random.once(3) ? random.below(a.keys + 1) : 0;
    forEachRow([this, lowest](Index i, Index g) {
      float* const row = bias->data() + g * a.biasHeadStride + i * a.biasQueryStride;
      for (Index j = 0; j < a.keys; j++)
        row[j * a.biasKeyStride] = random.once(8) ? -INFINITY : j < lowest ? -FLT_MAX : random.number();
    });
  }

  // NaN and infinities where no row looks must change nothing; where some rows look, those alone.
  void poisonLeftOut() {
    const bool isForSome = random.once(3);
    for (Index j = 0; j < a.keys; j++) {
      Index looking = 0;
      forEachRow([&](Index i, Index g) { looking += mayAttend(a, i, g, j); });
      if (looking == 0) {
        key->set(j, random.below(a.headDim), random.once(2) ? NAN : INFINITY);
        value->set(j, random.below(a.valueDim), random.once(2) ? NAN : -INFINITY);
      } else if (isForSome && looking < rows() && random.once(a.keys)) {
        if (random.once(2)) {
          key->set(j, random.below(a.headDim), NAN);
        } else {
          value->set(j, random.below(a.valueDim), NAN);
        }
      }
    }
  }

  /// Some rows' scores are all -infinity, unless they are capped, and those of others +infinity.
  void drown() {
    for (Index j = 0; j < a.keys; j++) key->set(j, 0, -INFINITY);
    for (Index j = 0; j < a.extraKeys; j++) (*extraKey)[j * a.headDim] = -INFINITY;
  }

  // ---- results beside the output ----

  void makeResults() {
    if (random.once(3)) makeWeights();
    if (random.once(3)) makeScores();
    if (random.once(2)) makeLogSumExp();
    if (random.once(3)) {
      statistics = makeFloats(rows() * rowStatistics);
      a.statistics = statistics->data();
    }
  }

  /// Room for a number of every key, with other columns between those of the extra keys and the others.
  float* makeColumns(Floats& tensor, Index* extraColumn, Index* queryStride, Index* headStride) const {
    *extraColumn = a.keys + random.below(3);
    makeRows(tensor, a.extraKeys > 0 ? *extraColumn + a.extraKeys : a.keys, queryStride, headStride);
    return tensor->data();
  }

  void makeWeights() {
    a.weights = makeColumns(weights, &a.weightsExtraColumn, &a.weightsQueryStride, &a.weightsHeadStride);
    a.weightsShare = random.once(2) ? 1.0f : 0.25f;
    a.weightsAdd = random.once(2) ? 1 : 0;
    weightsBefore.assign(static_cast<size_t>(weights->count()), 0.0f);
    if (!a.weightsAdd) return;
    forEachRow([this](Index i, Index g) {
      for (Index j = 0; j < a.keys + a.extraKeys; j++) {
        const Index n = weightAt(i, g, j);
        weightsBefore[static_cast<size_t>(n)] = (*weights)[n] = random.number();
      }
    });
  }

  void makeScores() { a.scores = makeColumns(scores, &a.scoresExtraColumn, &a.scoresQueryStride, &a.scoresHeadStride); }

  void makeLogSumExp() {
    a.logSumExpHeadStride = a.queries + gap();
    logSumExp = makeFloats(rows() == 0 ? 0 : (a.group - 1) * a.logSumExpHeadStride + a.queries);
    a.logSumExp = logSumExp->data();
  }
};

}  // namespace headpool::test
