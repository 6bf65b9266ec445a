// Attention by blocks of rows: every head size, and every number of rows and keys at which a vector, a register tile,
// a block or a tile of keys ends, in decks; all else by chance.
#include "attention_check.h"
#include "cases.h"

namespace headpool::test {

namespace {

constexpr Index caseCount = 1300;
constexpr Index mostProducts = 3000000;

std::vector<Index> rowCounts(const Edges& e) {
  std::vector<Index> counts = range(0, 9);
  for (const Index edge : {e.lanes, 2 * e.lanes, 3 * e.lanes, 4 * e.lanes, e.blockRows, 2 * e.blockRows})
    for (Index near = -1; near <= 1; near++) counts.push_back(edge + near);
  return counts;
}

std::vector<Index> keyCounts(const Edges& e) {
  std::vector<Index> counts = range(0, 13);
  for (const Index edge : {e.lanes, e.tileKeys, 2 * e.tileKeys})
    for (Index near = -1; near <= 1; near++) counts.push_back(edge + near);
  counts.push_back(2 * e.tileKeys + 3);
  return counts;
}

}  // namespace

void runAttentionCases(const Kernels& kernels, Report& report) {
  Random random(1);
  Deck rows(random, rowCounts(*kernels.edges)), keys(random, keyCounts(*kernels.edges));
  Deck headDims(random, range(1, 130)), groups(random, {1, 1, 1, 2, 3, 5, 8}), extraKeys(random, {0, 0, 0, 1, 2, 7});
  for (Index n = 0; n < caseCount; n++) {
    Shape s{};
    s.group = groups.deal();
    s.queries = (rows.deal() + s.group - 1) / s.group;
    s.keys = keys.deal();
    s.headDim = headDims.deal();
    s.valueDim = random.once(2) ? s.headDim : 1 + random.below(130);
    s.extraKeys = extraKeys.deal();
    // The largest ones with few values: time goes by the products, faults by the edges.
    if (s.queries * s.group * s.keys * (s.headDim + s.valueDim) > mostProducts) s.valueDim = 1 + random.below(17);
    const AttentionOperands operands(random, s, kernels.operations->scratchFloats(s.headDim, s.valueDim));
    beginAttention(report, kernels.name, "attention", n, operands);
    kernels.operations->attend(operands.a);
    checkAttention(report, operands);
    report.end();
  }
}

}  // namespace headpool::test
