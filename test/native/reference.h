// What the kernels must compute, in double precision and in the plainest way, with the size of what was summed: that is
// what a rounding error is measured against.
#pragma once
#include <math.h>

#include <vector>

#include "stored_rows.h"

namespace headpool::test {

/// A sum, and the sum of the magnitudes of its terms.
struct Sum {
  double value = 0;
  double size = 0;

  void add(double term) { add(term, fabs(term)); }
  void add(double term, double magnitude) {
    value += term;
    size += magnitude;
  }
};

inline float biasOf(const Attention& a, Index i, Index g, Index j) { return a.rules.bias.at(g, i, j); }

inline bool mayAttend(const Attention& a, Index i, Index g, Index j) {
  const Index position = i + a.position;
  if (j < position - a.rules.left || j > position + a.rules.right) return false;
  if (a.rules.mask && !a.rules.mask.at(g, i, j)) return false;
  return !a.rules.bias || biasOf(a, i, g, j) != -INFINITY;
}

/// The keys or values of one call as float32, row by row: those of the sequence, then the extra ones.
class DecodedRows {
  Index columns;
  std::vector<float> numbers;

 public:
  DecodedRows(const Attention& a, const Strided<const void>& stored, const Strided<const float>& extra,
              Index columnCount)
      : columns(columnCount) {
    for (Index j = 0; j < a.keys; j++)
      for (Index d = 0; d < columns; d++)
        numbers.push_back(readStored(a, stored.data, startOfRow(a, j, stored.rowStride) + d));
    numbers.insert(numbers.end(), extra.data, extra.data + a.extra.count * columns);
  }
  const float* operator[](Index j) const { return numbers.data() + j * columns; }
};

struct Sequence {
  const Attention& a;
  DecodedRows key, value;

  explicit Sequence(const Attention& attention)
      : a(attention), key(a, a.key, a.extra.key, a.headDim), value(a, a.value, a.extra.value, a.valueDim) {}
  Index count() const { return a.keys + a.extra.count; }
};

/// c tanh(score / c). What the score is off by shrinks by the derivative, 1 - tanh², all but constant over so little.
/// The quotient, tanh and the product are off relative to the result, by 5e-7 together: three roundings and the 3e-7 of
/// tanh itself (x tanh' x is below tanh x, so that the quotient's count for no more).
inline Sum capOf(const Sum& score, double c) {
  const double t = tanh(score.value / c), derivative = 1 - t * t;
  // An infinite score has the cap's value, and it is off by nothing.
  return {c * t, (derivative > 0 ? derivative * score.size : 0) + c * fabs(t)};
}

/// One row's attention: keys 0 ... keys - 1, then the extra keys.
class AttentionRow {
  const Sequence& sequence;
  const Attention& a;
  const Index i, g;
  std::vector<double> probabilities;  // 0 where left out
  std::vector<double> sizes;          // of the scores
  std::vector<bool> attended;

 public:
  bool hasAttended = false;
  /// Whether a NaN was attended, or +infinity, or -infinity alone: the probabilities are NaN then.
  bool isUndefined = false;
  double logSumExp = -INFINITY;
  double meanSize = 0;  // of the scores, by their probabilities

  AttentionRow(const Sequence& of, Index query, Index member)
      : sequence(of), a(of.a), i(query), g(member), probabilities(count()), sizes(count()), attended(count()) {
    for (Index j = 0; j < of.count(); j++) {
      if (j < a.keys && !mayAttend(a, i, g, j)) continue;
      attended[at(j)] = hasAttended = true;
      const Sum score = scoreOf(j, biased);
      probabilities[at(j)] = score.value;
      sizes[at(j)] = score.size;
    }
    softmax();
  }

  bool attends(Index j) const { return attended[at(j)]; }
  double probability(Index j) const { return probabilities[at(j)]; }

  /// What a probability is off by relative to itself is a multiple of this: scores are off by some roundings of their
  /// terms, its own as well as those of the sum that it is divided by.
  double roundingsOf(Index j) const { return 1 + sizes[at(j)] + meanSize; }

  /// The score of a key after a stage; what leaves it out is none of its terms.
  Sum scoreOf(Index j, Index stage) const {
    const float* const q = a.query.row(g, i);
    const float* const k = sequence.key[j];
    Sum score;
    for (Index d = 0; d < a.headDim; d++) score.add(static_cast<double>(q[d]) * k[d] * a.rules.scale);
    if (stage >= softcapped && a.rules.softcap > 0) score = capOf(score, a.rules.softcap);
    if (stage < biased || j >= a.keys) return score;
    if (a.rules.alibiSlopes) score.add(-static_cast<double>(a.rules.alibiSlopes.at(g)) * distanceTo(j));
    if (a.rules.bias) score.add(biasOf(a, i, g, j));
    return score;
  }

  /// The size counts roundings.
  Sum output(Index d) const {
    const double factor = a.headScale ? a.headScale.at(g) : 1;
    Sum sum;
    if (factor == 0) return sum;
    for (Index j = 0; j < sequence.count(); j++)
      if (attends(j)) addShare(sum, j, factor * sequence.value[j][d]);
    return sum;
  }

  /// The sum of the magnitudes of the values that are attended.
  double sizeOfValues(Index d) const {
    double size = 0;
    for (Index j = 0; j < sequence.count(); j++)
      if (attends(j)) size += fabs(static_cast<double>(sequence.value[j][d]));
    return size;
  }

  /// The size counts roundings, as above. Of the extra keys, entropy and the largest probability alone know.
  Sum statistic(Index field) const {
    Sum sum;
    if (field == statistic::hasAttended) return {hasAttended ? 1.0 : 0.0, 0};
    for (Index j = 0; j < sequence.count(); j++) {
      if (!attends(j)) continue;
      const double p = probability(j);
      // d(p ln p) = (1 + ln p) dp; the terms of p ln p are no larger than the whole.
      if (field == statistic::entropy && p != 0) sum.add(-p * log(p), p * roundingsOf(j) * (1 + fabs(log(p))));
      if (field == statistic::distance && j < a.keys) addShare(sum, j, distanceTo(j));
      if (field == statistic::largest) {
        sum.value = p > sum.value || isnan(p) ? p : sum.value;
        sum.size = fmax(sum.size, p * roundingsOf(j));
      }
      if (j < a.keys && isNeighbour(field, j)) addShare(sum, j, 1);
    }
    return sum;
  }

 private:
  static size_t at(Index j) { return static_cast<size_t>(j); }
  size_t count() const { return at(sequence.count()); }

  double distanceTo(Index j) const { return fabs(static_cast<double>(i + a.position - j)); }

  bool isNeighbour(Index field, Index j) const {
    const Index position = i + a.position;
    return (field == statistic::first && j == 0) || (field == statistic::self && j == position) ||
           (field == statistic::previous && j == position - 1) || (field == statistic::next && j == position + 1);
  }

  void addShare(Sum& sum, Index j, double number) const {
    const double term = probability(j) * number;
    // A size may be infinite where the probability is 0.
    sum.add(term, term == 0 ? 0 : fabs(term) * roundingsOf(j));
  }

  void softmax() {
    const double sink = a.rules.sinks ? a.rules.sinks.at(g) : -INFINITY;
    double maximum = sink;
    logSumExp = sink;
    if (!hasAttended) return;
    for (size_t j = 0; j < count(); j++)
      if (attended[j]) maximum = fmax(maximum, probabilities[j]);  // fmax passes NaN over
    // All scores are NaN or -infinity.
    if (maximum == -INFINITY) maximum = 0;
    const double ofSink = exp(sink - maximum);
    double sum = ofSink;
    for (size_t j = 0; j < count(); j++)
      if (attended[j]) sum += probabilities[j] = exp(probabilities[j] - maximum);
    for (size_t j = 0; j < count(); j++) {
      probabilities[j] /= sum;
      if (probabilities[j] != 0) meanSize += probabilities[j] * sizes[j];
    }
    if (ofSink != 0) meanSize += ofSink / sum * fabs(sink);
    logSumExp = maximum + log(sum);
    isUndefined = !(sum > 0);
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
