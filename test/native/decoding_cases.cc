// Attention of few rows, as when decoding: in one call, and over ranges of the keys whose parts are merged.
#include "attention_check.h"
#include "cases.h"

namespace headpool::test {

namespace {

constexpr Index caseCount = 1300;

/// Where the ranges of keys start, and where the last one ends; some ranges hold no key.
std::vector<Index> cutKeys(Random& random, Index keys) {
  std::vector<Index> cuts = {0};
  for (Index n = 1 + random.below(4); n > 0 && cuts.back() < keys; n--)
    cuts.push_back(cuts.back() + random.below(keys - cuts.back() + 1));
  cuts.push_back(keys);
  return cuts;
}

/// The same attention over the keys from `first` to `end` - 1.
Attention partOf(const Attention& whole, Index first, Index end) {
  Attention a = whole;
  a.keys = end - first;
  a.key += first * a.keyStride;
  a.value += first * a.valueStride;
  a.firstOffset -= first;
  a.lastOffset -= first;
  if (a.mask) a.mask += first * a.maskKeyStride;
  if (a.bias) a.bias += first * a.biasKeyStride;
  return a;
}

void runRanges(Random& random, const Operations& operations, const AttentionOperands& o, Report& report) {
  const Attention& a = o.a;
  const std::vector<Index> cuts = cutKeys(random, a.keys);
  const Index ranges = static_cast<Index>(cuts.size()) - 1;
  const Index rowFloats = partialFloats(a.valueDim);
  const Index rangeStride = o.rows() * rowFloats + random.below(4);
  const auto partial = o.makeFloats(o.rows() == 0 ? 0 : (ranges - 1) * rangeStride + o.rows() * rowFloats);
  for (Index c = 0; c < ranges; c++) {
    const size_t n = static_cast<size_t>(c);
    Attention part = partOf(a, cuts[n], cuts[n + 1]);
    if (c > 0) part.extraKeys = 0;
    part.partial = partial->data() + c * rangeStride;
    operations.attend(part);
  }
  report.expectUntouched("output", *o.output);
  if (o.logSumExp) report.expectUntouched("logSumExp", *o.logSumExp);
  operations.merge({partial->data(), ranges, rangeStride, o.rows(), a.group, a.valueDim, a.output, a.outputStride,
                    a.outputHeadStride, a.logSumExp, a.logSumExpHeadStride});
  for (Index c = 0; c < ranges; c++)
    for (Index r = 0; r < o.rows() * rowFloats; r++) partial->forget(c * rangeStride + r);
  report.expectUntouched("partial", *partial);
}

std::vector<Index> keyCounts(const Edges& e) {
  std::vector<Index> counts = range(0, 9);
  for (const Index edge : {e.lanes, 2 * e.lanes, e.tileKeys, 2 * e.tileKeys})
    for (const Index near : {-1, 0, 1, 3}) counts.push_back(edge + near);
  counts.push_back(5 * e.tileKeys + 5);
  return counts;
}

}  // namespace

void runDecodingCases(const Kernels& kernels, Report& report) {
  Random random(2);
  Deck keys(random, keyCounts(*kernels.edges)), headDims(random, range(1, 130));
  Deck rows(random, range(1, mostDecodingRows)), extraKeys(random, {0, 0, 0, 1, 2, 7});
  for (Index n = 0; n < caseCount; n++) {
    Shape s{};
    const Index most = rows.deal();
    s.group = random.once(2) ? 1 : 1 + random.below(most);
    s.queries = most / s.group;
    s.keys = keys.deal();
    s.headDim = headDims.deal();
    s.valueDim = random.once(2) ? s.headDim : 1 + random.below(130);
    s.extraKeys = extraKeys.deal();
    AttentionOperands operands(random, s, kernels.operations->scratchFloats(s.headDim, s.valueDim));
    operands.a.isDecoding = 1;
    beginAttention(report, kernels.name, "decoding", n, operands);
    // Weights need the maximum over all keys, so only a call that sees them all can write them.
    if (!operands.a.weights && random.once(2)) {
      runRanges(random, *kernels.operations, operands, report);
    } else {
      kernels.operations->attend(operands.a);
    }
    checkAttention(report, operands);
    report.end();
  }
}

}  // namespace headpool::test
