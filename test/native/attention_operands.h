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
    a.extra.count = s.extraKeys;
    setScale(random, a);
    setSoftcap(random, a);
    setBounds(random, a);
    setStorage(random, a);
    setScoresStage(random, a);
    makeInputs();
    makeNumbersOfMembers();
    if (random.once(3)) makeMask();
    if (random.once(3)) makeBias();
    if (a.storage != float16 && random.once(6)) swell();
    if (random.once(3)) poisonLeftOut();
    if (random.once(20)) drown();
    makeRows(output, a.valueDim, &a.output);
    makeResults();
    scratch = makeFloats(scratchFloats);
    a.scratch = scratch->data();
  }

  Index rows() const { return a.queries * a.group; }
  Floats makeFloats(Index count) const { return std::make_unique<Guarded<float>>(count, side()); }

  /// Where the weight or score of key j lies, the extra keys behind the others.
  Index weightAt(Index i, Index g, Index j) const { return columnAt(a.weights, i, g, j); }
  Index scoreAt(Index i, Index g, Index j) const { return columnAt(a.scores, i, g, j); }

 private:
  Side side() const { return random.once(2) ? Side::behind : Side::before; }
  /// How much longer than its elements a row is: often nothing.
  Index gap() const { return random.once(2) ? 0 : 1 + random.below(9); }
  Index columnAt(const Columns& to, Index i, Index g, Index j) const {
    return g * to.headStride + i * to.rowStride + (j < a.keys ? j : to.extraColumn + j - a.keys);
  }

  /// Room for a number for each query, member of the group and column, laid out by query or by member.
  template <class T>
  void makeRows(Floats& tensor, Index columns, Strided<T>* rowsOfCall) const {
    const bool isByQuery = random.once(2);
    Index& inner = isByQuery ? rowsOfCall->headStride : rowsOfCall->rowStride;
    Index& outer = isByQuery ? rowsOfCall->rowStride : rowsOfCall->headStride;
    inner = columns + gap();
    outer = inner * (isByQuery ? a.group : a.queries) + gap();
    const Index end = (a.queries - 1) * rowsOfCall->rowStride + (a.group - 1) * rowsOfCall->headStride + columns;
    tensor = makeFloats(rows() == 0 ? 0 : end);
    rowsOfCall->data = tensor->data();
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
    makeRows(query, a.headDim, &a.query);
    forEachRow([this](Index i, Index g) { fill(const_cast<float*>(a.query.row(g, i)), a.headDim); });
    a.key.rowStride = a.headDim + gap();
    a.value.rowStride = a.valueDim + gap();
    if (random.once(3)) makePages();
    key = makeStored(a.headDim, a.key.rowStride);
    value = makeStored(a.valueDim, a.value.rowStride);
    a.key.data = key->data();
    a.value.data = value->data();
    a.extra.key = makeMatrix(extraKey, a.headDim);
    a.extra.value = makeMatrix(extraValue, a.valueDim);
  }

  /// Pages in any order, with others between them.
  void makePages() {
    a.pages.pageKeys = wholePage * (1 + random.below(2));
    const Index count = (a.keys + a.pages.pageKeys - 1) / a.pages.pageKeys;
    const Index stride = a.key.rowStride > a.value.rowStride ? a.key.rowStride : a.value.rowStride;
    a.pages.stride = a.pages.pageKeys * stride + gap();
    pages = std::make_unique<Guarded<int>>(count, side());
    Deck numbers(random, range(0, count + random.below(3) - 1));
    for (int& page : *pages) page = static_cast<int>(numbers.deal());
    a.pages.table = pages->data();
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
  Strided<const float> makeMatrix(Floats& matrix, Index columns) const {
    matrix = makeFloats(a.extra.count * columns);
    fill(matrix->data(), matrix->count());
    return {matrix->data(), 0, columns, 1};
  }

  // ---- what changes scores and outputs ----

  void makeNumbersOfMembers() {
    if (random.once(3)) a.rules.alibiSlopes = makeNumbers(alibiSlopes, {0.0f, 0.5f, 0.00390625f});
    // Sinks that no score reaches and sinks that reach none; infinitely low, they are not there at all.
    if (random.once(3)) a.rules.sinks = makeNumbers(sinks, {-INFINITY, 20.0f, -20.0f, 200.0f, -FLT_MAX});
    if (random.once(3)) a.headScale = makeNumbers(headScale, {0.0f, 0.0f, -2.0f});
  }

  /// One number a member of the group: any, or one of `notable`.
  Strided<const float> makeNumbers(Floats& tensor, std::initializer_list<float> notable) const {
    tensor = makeFloats(a.group);
    for (float& number : *tensor) {
      const Index n = random.below(2 * static_cast<Index>(notable.size()));
      number = n < static_cast<Index>(notable.size()) ? notable.begin()[n] : random.number();
    }
    return {tensor->data(), 1, 0, 0};
  }

  /// Strides of a mask or a bias, each 0 in some cases, so that one element serves many; returns the elements.
  template <class T>
  Index spread(Strided<T>* to) const {
    to->columnStride = random.once(5) ? 0 : random.once(9) ? 2 : 1;
    const Index row = a.keys * to->columnStride + 1 + gap();
    to->rowStride = random.once(4) ? 0 : row;
    to->headStride = random.once(3) ? 0 : a.queries * row;
    if (rows() == 0 || a.keys == 0) return 0;
    return (a.group - 1) * to->headStride + (a.queries - 1) * to->rowStride + (a.keys - 1) * to->columnStride + 1;
  }

  void makeMask() {
    const Index count = spread(&a.rules.mask);
    mask = std::make_unique<Guarded<unsigned char>>(count, side());
    a.rules.mask.data = mask->data();
    forEachRow([this](Index i, Index g) {
      const bool isEmpty = random.once(9);
      unsigned char* const row = mask->data() + g * a.rules.mask.headStride + i * a.rules.mask.rowStride;
      for (Index j = 0; j < a.keys; j++) row[j * a.rules.mask.columnStride] = !isEmpty && !random.once(4) ? 1 : 0;
    });
  }

  /// Some keys are left out; some are only as low as can be, often all up to one: that is how others write a mask.
  void makeBias() {
    const Index count = spread(&a.rules.bias);
    bias = makeFloats(count);
    a.rules.bias.data = bias->data();
    const Index lowest = random.once(3) ? random.below(a.keys + 1) : 0;
    forEachRow([this, lowest](Index i, Index g) {
      float* const row = bias->data() + g * a.rules.bias.headStride + i * a.rules.bias.rowStride;
      for (Index j = 0; j < a.keys; j++)
        row[j * a.rules.bias.columnStride] = random.once(8) ? -INFINITY : j < lowest ? -FLT_MAX : random.number();
    });
  }

  /// A column of values whose sum overflows before it is divided, though no share of a head's factor does.
  void swell() {
    const Index d = random.below(a.valueDim);
    const bool isOfOneSign = random.once(2);
    const auto huge = [this, isOfOneSign] {
      const float number = random.number();
      return (number < 0 && !isOfOneSign ? -0x1p125f : 0x1p125f) * (1 + fabsf(number) / 2);
    };
    for (Index j = 0; j < a.keys; j++) value->set(j, d, huge());
    for (Index j = 0; j < a.extra.count; j++) (*extraValue)[j * a.valueDim + d] = huge();
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
    for (Index j = 0; j < a.extra.count; j++) (*extraKey)[j * a.headDim] = -INFINITY;
  }

  // ---- results beside the output ----

  void makeResults() {
    if (random.once(3)) makeWeights();
    if (random.once(3)) makeScores();
    if (random.once(2)) makeLogSumExp();
    if (random.once(3)) {
      statistics = makeFloats(rows() * rowStatistics);
      a.statistics = {statistics->data(), rowStatistics, a.group * rowStatistics, 1};
    }
  }

  /// Room for a number of every key, with other columns between those of the extra keys and the others.
  void makeColumns(Floats& tensor, Columns* to) const {
    to->extraColumn = a.keys + random.below(3);
    makeRows<float>(tensor, a.extra.count > 0 ? to->extraColumn + a.extra.count : a.keys, to);
  }

  void makeWeights() {
    makeColumns(weights, &a.weights);
    a.weights.share = random.once(2) ? 1.0f : 0.25f;
    a.weights.isAdded = random.once(2) ? 1 : 0;
    weightsBefore.assign(static_cast<size_t>(weights->count()), 0.0f);
    if (!a.weights.isAdded) return;
    forEachRow([this](Index i, Index g) {
      for (Index j = 0; j < a.keys + a.extra.count; j++) {
        const Index n = weightAt(i, g, j);
        weightsBefore[static_cast<size_t>(n)] = (*weights)[n] = random.number();
      }
    });
  }

  void makeScores() { makeColumns(scores, &a.scores); }

  void makeLogSumExp() {
    a.logSumExp.headStride = a.queries + gap();
    logSumExp = makeFloats(rows() == 0 ? 0 : (a.group - 1) * a.logSumExp.headStride + a.queries);
    a.logSumExp.data = logSumExp->data();
    a.logSumExp.rowStride = 1;
  }
};

}  // namespace headpool::test
