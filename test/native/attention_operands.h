// The tensors of one case of attention: each guarded, with gaps between rows where its strides leave some, and filled
// only where the contract says that an element lies.
#pragma once
#include <memory>
#include <vector>

#include "attention_options.h"
#include "guarded.h"
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
  Floats query, key, value, extraKey, extraValue, bias, scratch;
  Bytes mask;

 public:
  Attention a{};
  Floats output, weights, logSumExp;
  std::vector<float> weightsBefore;  // as far as they are added to

  AttentionOperands(Random& source, const Shape& s, Index scratchFloats) : random(source) {
    a.queries = s.queries;
    a.group = s.group;
    a.keys = s.keys;
    a.headDim = s.headDim;
    a.valueDim = s.valueDim;
    a.extraKeys = s.extraKeys;
    setScale(random, a);
    setBounds(random, a);
    makeInputs();
    if (random.once(3)) makeMask();
    if (random.once(3)) makeBias();
    if (random.once(3)) poisonLeftOut();
    makeRows(output, a.valueDim, &a.outputStride, &a.outputHeadStride);
    a.output = output->data();
    if (random.once(3)) makeWeights();
    if (random.once(2)) makeLogSumExp();
    scratch = makeFloats(scratchFloats);
    a.scratch = scratch->data();
  }

  Index rows() const { return a.queries * a.group; }
  Floats makeFloats(Index count) const { return std::make_unique<Guarded<float>>(count, side()); }

 private:
  Side side() const { return random.once(2) ? Side::behind : Side::before; }
  /// How much longer than its elements a row is: often nothing.
  Index gap() const { return random.once(2) ? 0 : 1 + random.below(9); }

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

  /// Rows of keys or values.
  Floats makeMatrix(Index count, Index columns, Index stride) const {
    Floats matrix = makeFloats(count == 0 ? 0 : (count - 1) * stride + columns);
    for (Index j = 0; j < count; j++) fill(matrix->data() + j * stride, columns);
    return matrix;
  }

  void makeInputs() {
    makeRows(query, a.headDim, &a.queryStride, &a.queryHeadStride);
    a.query = query->data();
    forEachRow([this](Index i, Index g) {
      fill(query->data() + i * a.queryStride + g * a.queryHeadStride, a.headDim);
    });
    a.keyStride = a.headDim + gap();
    a.valueStride = a.valueDim + gap();
    key = makeMatrix(a.keys, a.headDim, a.keyStride);
    value = makeMatrix(a.keys, a.valueDim, a.valueStride);
    extraKey = makeMatrix(a.extraKeys, a.headDim, a.headDim);
    extraValue = makeMatrix(a.extraKeys, a.valueDim, a.valueDim);
    a.key = key->data();
    a.value = value->data();
    a.extraKey = extraKey->data();
    a.extraValue = extraValue->data();
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

  void makeBias() {
    const Index count = spread(&a.biasHeadStride, &a.biasQueryStride, &a.biasKeyStride);
    bias = makeFloats(count);
    a.bias = bias->data();
    forEachRow([this](Index i, Index g) {
      float* const row = bias->data() + g * a.biasHeadStride + i * a.biasQueryStride;
      for (Index j = 0; j < a.keys; j++) row[j * a.biasKeyStride] = random.once(8) ? -INFINITY : random.number();
    });
  }

  // NaN and infinities where no row looks must change nothing; where some rows look, those alone.
  void poisonLeftOut() {
    const bool isForSome = random.once(3);
    for (Index j = 0; j < a.keys; j++) {
      Index looking = 0;
      forEachRow([&](Index i, Index g) { looking += mayAttend(a, i, g, j); });
      float* const k = key->data() + j * a.keyStride;
      float* const v = value->data() + j * a.valueStride;
      if (looking == 0) {
        k[random.below(a.headDim)] = random.once(2) ? NAN : INFINITY;
        v[random.below(a.valueDim)] = random.once(2) ? NAN : -INFINITY;
      } else if (isForSome && looking < rows() && random.once(a.keys)) {
        (random.once(2) ? k[random.below(a.headDim)] : v[random.below(a.valueDim)]) = NAN;
      }
    }
  }

  void makeWeights() {
    a.weightsExtraColumn = a.keys + random.below(3);
    const Index columns = a.extraKeys > 0 ? a.weightsExtraColumn + a.extraKeys : a.keys;
    makeRows(weights, columns, &a.weightsQueryStride, &a.weightsHeadStride);
    a.weights = weights->data();
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

  void makeLogSumExp() {
    a.logSumExpHeadStride = a.queries + gap();
    logSumExp = makeFloats(rows() == 0 ? 0 : (a.group - 1) * a.logSumExpHeadStride + a.queries);
    a.logSumExp = logSumExp->data();
  }

 public:
  /// Where the weight of key j lies, the extra keys behind the others.
  Index weightAt(Index i, Index g, Index j) const {
    return g * a.weightsHeadStride + i * a.weightsQueryStride +
           (j < a.keys ? j : a.weightsExtraColumn + j - a.keys);
  }
};

}  // namespace headpool::test
