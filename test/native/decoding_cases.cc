// Attention of few rows, as when decoding: in one call, and over ranges of the keys whose parts are merged.
#include "attention_check.h"
#include "cases.h"

namespace headpool::test {

namespace {

constexpr Index caseCount = 1300;

/// Where the ranges of keys start, whole pages apart where there are some, and where the last one ends; some ranges
/// hold no key.
std::vector<Index> cutKeys(Random& random, const Attention& a) {
  const Index step = a.pages.table ? a.pages.pageKeys : 1;
  std::vector<Index> cuts = {0};
  for (Index n = 1 + random.below(4); n > 0 && cuts.back() < a.keys; n--)
    cuts.push_back(cuts.back() + random.below((a.keys - cuts.back()) / step + 1) * step);
  cuts.push_back(a.keys);
  return cuts;
}

void advance(const Attention& a, Strided<const void>& stored, Index first) {
  const Index bytes = a.storage == float32 ? 4 : 2;
  stored.data = static_cast<const unsigned char*>(stored.data) + first * stored.rowStride * bytes;
}

/// The same attention over the keys from `first` to `end` - 1; what is beside the sequence belongs to the first range.
Attention partOf(const Attention& whole, Index first, Index end) {
  Attention a = whole;
  a.keys = end - first;
  if (a.pages.table) {
    a.pages.table += first / a.pages.pageKeys;
  } else {
    advance(a, a.key, first);
    advance(a, a.value, first);
  }
  a.position -= first;
  a.rules.firstOffset -= first;
  a.rules.lastOffset -= first;
  if (a.rules.mask) a.rules.mask.data += first * a.rules.mask.columnStride;
  if (a.rules.bias) a.rules.bias.data += first * a.rules.bias.columnStride;
  if (a.scores) a.scores.data += first;
  return a;
}

void runRanges(Random& random, const Operations& operations, const AttentionOperands& o, Report& report) {
  const Attention& a = o.a;
  const std::vector<Index> cuts = cutKeys(random, a);
  const Index ranges = static_cast<Index>(cuts.size()) - 1;
  const Index rowFloats = partialFloats(a.valueDim);
  const Index rangeStride = o.rows() * rowFloats + random.below(4);
  const auto partial = o.makeFloats(o.rows() == 0 ? 0 : (ranges - 1) * rangeStride + o.rows() * rowFloats);
  for (Index c = 0; c < ranges; c++) {
    const size_t n = static_cast<size_t>(c);
    Attention part = partOf(a, cuts[n], cuts[n + 1]);
    if (c > 0) {
      part.extra.count = 0;
      part.rules.sinks.data = nullptr;
    }
    part.partial = {partial->data() + c * rangeStride, rowFloats, a.group * rowFloats, 1};
    operations.attend(part);
  }
  report.expectUntouched("output", *o.output);
  if (o.logSumExp) report.expectUntouched("logSumExp", *o.logSumExp);
  operations.merge({a, ranges, {partial->data(), rowFloats, a.group * rowFloats, 1}, rangeStride});
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
    // Weights and statistics need the maximum over all keys, so only a call that sees them all can write them.
    if (!operands.a.weights && !operands.a.statistics && random.once(2)) {
      runRanges(random, *kernels.operations, operands, report);
    } else {
      kernels.operations->attend(operands.a);
    }
    checkAttention(report, operands);
    report.end();
  }
}

}  // namespace headpool::test
