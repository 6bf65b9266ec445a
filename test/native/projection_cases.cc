// Packing, products with packed weights, and the sum that measures memory.
#include "cases.h"
#include "random.h"
#include "reference.h"

namespace headpool::test {

namespace {

constexpr Index caseCount = 900;

struct Size {
  Index rowCount;
  Index columns;
  Index depth;
};

class ProjectionCase {
  Random& random;
  const Operations& operations;
  Report& report;
  const Size s;
  const Index rowStride, outputStride;
  const Guarded<float> weight, bias, rows, output, panels;
  const Packing packing;

 public:
  ProjectionCase(Random& source, const Operations& table, Report& to, const Size& size)
      : random(source),
        operations(table),
        report(to),
        s(size),
        rowStride(s.depth + gap()),
        outputStride(s.columns + gap()),
        weight(s.columns * s.depth, side()),
        bias(s.columns, side()),
        rows(s.rowCount == 0 ? 0 : (s.rowCount - 1) * rowStride + s.depth, side()),
        output(s.rowCount == 0 ? 0 : (s.rowCount - 1) * outputStride + s.columns, side()),
        panels((s.columns + width() - 1) / width() * (1 + s.depth) * width(), side()),
        packing{weight.data(), random.once(4) ? nullptr : bias.data(), s.columns, s.depth, panels.data()} {}

  void run() {
    for (Index n = 0; n < weight.count(); n++) weight[n] = random.number();
    for (Index n = 0; n < bias.count(); n++) bias[n] = random.number();
    for (Index r = 0; r < s.rowCount; r++)
      for (Index k = 0; k < s.depth; k++) rows[r * rowStride + k] = random.number();
    operations.pack(packing);
    operations.project({s.rowCount,
                        s.depth,
                        s.columns,
                        {rows.data(), 0, rowStride, 1},
                        panels.data(),
                        {output.data(), 0, outputStride, 1}});
    checkPanels();
    checkOutput();
  }

 private:
  Index width() const { return operations.panelColumns; }
  Index gap() const { return random.once(2) ? 0 : 1 + random.below(9); }
  Side side() const { return random.once(2) ? Side::behind : Side::before; }

  void checkPanels() const {
    for (Index n = 0; n < panels.count(); n++) {
      const Index column = n / ((1 + s.depth) * width()) * width() + n % width();
      const Index step = n / width() % (1 + s.depth) - 1;
      const float wanted = column >= s.columns ? 0.0f
                           : step >= 0         ? weight[column * s.depth + step]
                           : packing.bias      ? packing.bias[column]
                                               : 0.0f;
      report.compare("panels", panels, n, wanted, 0);
    }
    report.expectUntouched("panels", panels);
  }

  void checkOutput() const {
    for (Index r = 0; r < s.rowCount; r++) {
      for (Index column = 0; column < s.columns; column++) {
        const Sum sum = productOf(rows.data() + r * rowStride, packing, column);
        report.compare("output", output, r * outputStride + column, sum.value, 1e-6 * sum.size);
      }
    }
    report.expectUntouched("output", output);
  }
};

void runCase(Random& random, const Kernels& kernels, Report& report, const Size& s) {
  report.begin("%s projection: rows %td, columns %td, depth %td", kernels.name, s.rowCount, s.columns, s.depth);
  ProjectionCase(random, *kernels.operations, report, s).run();
  report.end();
}

/// The sum reads every float once, none behind the last.
void runSum(Random& random, const Kernels& kernels, Report& report, Index count, Side side) {
  report.begin("%s sum of %td floats", kernels.name, count);
  const Guarded<float> floats(count, side);
  Sum sum;
  for (Index n = 0; n < count; n++) sum.add(floats[n] = random.number());
  const Guarded<float> result(1, side);
  result[0] = kernels.operations->sumFloats(floats.data(), count);
  report.compare("sum", result, 0, sum.value, 1e-6 * sum.size);
  report.end();
}

}  // namespace

void runProjectionCases(const Kernels& kernels, Report& report) {
  Random random(3);
  const Index depthBlock = kernels.edges->depthBlock;
  Deck columns(random, range(0, 70)), depths(random, range(0, 70)), rows(random, range(0, 13));
  for (Index n = 0; n < caseCount; n++) runCase(random, kernels, report, {rows.deal(), columns.deal(), depths.deal()});
  // A block may be as deep as any layer; then one row and few columns must do.
  const Index most = depthBlock > 1000 ? 1 : 13;
  for (const Index depth : {depthBlock - 1, depthBlock, depthBlock + 1, 2 * depthBlock, 2 * depthBlock + 3})
    for (Index n = 0; n < most; n++) runCase(random, kernels, report, {n + 1, most > 1 ? columns.deal() : 3, depth});
  for (Index count = 0; count <= 9 * kernels.edges->lanes + 1; count++)
    for (const Side side : {Side::behind, Side::before}) runSum(random, kernels, report, count, side);
}

}  // namespace headpool::test
