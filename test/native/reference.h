// What the kernels must compute, in double precision and in the plainest way, with the size of what was summed: that is
// what a rounding error is measured against.
#pragma once
#include <math.h>

#include <vector>

#include "source/operations.h"

namespace headpool::test {

/// A sum, and the sum of the magnitudes of its terms.
struct Sum {
  double value = 0;
  double size = 0;

  void add(double term) {
    value += term;
    size += fabs(term);
  }
};

inline bool mayAttend(const Attention& a, Index i, Index g, Index j) {
  if (j < i + a.firstOffset || j > i + a.lastOffset) return false;
  if (a.mask && !a.mask[g * a.maskHeadStride + i * a.maskQueryStride + j * a.maskKeyStride]) return false;
  return !a.bias || a.bias[g * a.biasHeadStride + i * a.biasQueryStride + j * a.biasKeyStride] != -INFINITY;
}

/// One row's attention: keys 0 ... keys - 1, then the extra keys.
class AttentionRow {
  const Attention& a;
  std::vector<double> probabilities;  // 0 where left out
  std::vector<bool> attended;

 public:
  bool hasAttended = false;
  double logSumExp = -INFINITY;
  double scoreSize = 0;  // the largest of a score's terms

  AttentionRow(const Attention& attention, Index i, Index g)
      : a(attention), probabilities(count(), 0.0), attended(count(), false) {
    for (Index j = 0; j < a.keys + a.extraKeys; j++) {
      if (j < a.keys && !mayAttend(a, i, g, j)) continue;
      attended[at(j)] = hasAttended = true;
      const Sum score = scoreOf(i, g, j);
      probabilities[at(j)] = score.value;
      scoreSize = fmax(scoreSize, score.size);  // fmax passes NaN over
    }
    softmax();
  }

  bool attends(Index j) const { return attended[at(j)]; }
  double probability(Index j) const { return probabilities[at(j)]; }

  Sum output(Index d) const {
    Sum sum;
    for (Index j = 0; j < a.keys + a.extraKeys; j++)
      if (attends(j)) sum.add(probability(j) * valueOf(j)[d]);
    return sum;
  }

 private:
  static size_t at(Index j) { return static_cast<size_t>(j); }
  size_t count() const { return at(a.keys + a.extraKeys); }

  const float* keyOf(Index j) const {
    return j < a.keys ? a.key + j * a.keyStride : a.extraKey + (j - a.keys) * a.headDim;
  }
  const float* valueOf(Index j) const {
    return j < a.keys ? a.value + j * a.valueStride : a.extraValue + (j - a.keys) * a.valueDim;
  }

  Sum scoreOf(Index i, Index g, Index j) const {
    const float* const q = a.query + i * a.queryStride + g * a.queryHeadStride;
    const float* const k = keyOf(j);
    Sum score;
    for (Index d = 0; d < a.headDim; d++) score.add(static_cast<double>(q[d]) * k[d] * a.scale);
    if (a.bias && j < a.keys) score.add(a.bias[g * a.biasHeadStride + i * a.biasQueryStride + j * a.biasKeyStride]);
    return score;
  }

  void softmax() {
    if (!hasAttended) return;
    double maximum = -INFINITY;
    for (size_t j = 0; j < count(); j++)
      if (attended[j]) maximum = fmax(maximum, probabilities[j]);
    // All scores are NaN, and stay so.
    if (maximum == -INFINITY) maximum = 0;
    double sum = 0;
    for (size_t j = 0; j < count(); j++)
      if (attended[j]) sum += probabilities[j] = exp(probabilities[j] - maximum);
    for (size_t j = 0; j < count(); j++) probabilities[j] /= sum;
    logSumExp = maximum + log(sum);
  }
};

/// Element (row, column) of a product with `weight` as PyTorch stores it; a null bias is none.
inline Sum productOf(const float* row, const Packing& packing, Index column) {
  Sum sum;
  if (packing.bias) sum.add(packing.bias[column]);
  for (Index k = 0; k < packing.depth; k++)
    sum.add(static_cast<double>(row[k]) * packing.weight[column * packing.depth + k]);
  return sum;
}

}  // namespace headpool::test
