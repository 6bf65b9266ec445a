// What bars choose, what they are held against, and when they are met.
import test from 'ava';
import { holdBars, noteIdleBars, readBar } from '../../../src/measure/grid/bars.js';
import { formatGridTable } from '../../../src/measure/report/grid-table.js';
import type { BenchCase, Cell, MeasuredCell } from '../../../src/measure/grid/results.js';
import { gridResults, measuredCell } from './grid-case.js';

/** A cell of median `ms`, as sure as `control` is near 1. */
function cellOf(change: Partial<BenchCase>, ms: number, control = 1): MeasuredCell {
  const cell = measuredCell(change);
  return { ...cell, ms: { ...cell.ms, median: ms }, control: { ...cell.control, median: control } };
}

const plain = cellOf({ mode: 'attention' }, 2);
const softcap = cellOf({ mode: 'attention', options: 'softcap' }, 2.5);
const causal = cellOf({ mode: 'attention', causal: true }, 1.2);

function hold(text: string, cells: readonly Cell[] = [plain, softcap, causal]): string[] {
  const bars = holdBars([readBar(text)!], cells);
  const lines = formatGridTable(gridResults({ cells, bars })).split('\n');
  return lines.filter((line) => /^(PASS|MISS) /.test(line));
}

test('a bar chooses all cells that have its values', (t) => {
  t.deepEqual(hold('ms <= 2.2'), [
    'PASS  attention 32/4/12 reference x1, ms: 2.00 (wanted <= 2.2)',
    'MISS  attention 32/4/12 softcap reference x1, ms: 2.50 (wanted <= 2.2)',
    'PASS  attention 32/4/12 causal reference x1, ms: 1.20 (wanted <= 2.2)',
  ]);
  t.deepEqual(hold('options=none causal=false window=none ms >= 2.2'), [
    'MISS  attention 32/4/12 reference x1, ms: 2.00 (wanted >= 2.2)',
  ]);
});

test('a limit of another cell is of the one that differs in nothing else', (t) => {
  t.deepEqual(hold('options=softcap ms <= 1.3 of options=none'), [
    'PASS  attention 32/4/12 softcap reference x1, ms of attention 32/4/12 reference x1: 1.25 (wanted <= 1.3)',
  ]);
  t.deepEqual(hold('causal=true ms <= 0.5 of causal=false'), [
    'MISS  attention 32/4/12 causal reference x1, ms of attention 32/4/12 reference x1: 0.6 (wanted <= 0.5)',
  ]);
});

test('what cells differ from themselves makes a ratio worse, whichever way that is', (t) => {
  const noisy = cellOf({ mode: 'attention', options: 'softcap' }, 2.5, 1 / 1.1);
  t.regex(hold('options=softcap ms <= 1.3 of options=none', [plain, noisy])[0]!, /^MISS .*: 1\.3[78] /);
  t.regex(hold('options=softcap ms >= 1.2 of options=none', [plain, noisy])[0]!, /^MISS .*: 1\.14 /);
  t.regex(hold('options=softcap ms <= 2.5', [plain, noisy])[0]!, /^PASS/);
});

test('a cell that was not measured meets nothing', (t) => {
  const missing: Cell = { status: 'unavailable', case: softcap.case, reason: 'no room' };
  t.deepEqual(hold('options=softcap ms <= 1.3 of options=none', [plain, missing]), [
    'MISS  attention 32/4/12 softcap reference x1, ms of attention 32/4/12 reference x1: not measured (wanted <= 1.3)',
  ]);
});

test('a bar without cells, or without those that it is held against, is noted', (t) => {
  const bars = [
    'options=sinks ms <= 1',
    'options=softcap ms <= 1.3 of options=none',
    'causal=true ms <= 1 of tokens=5',
  ];
  t.deepEqual(
    noteIdleBars(
      bars.map((text) => readBar(text)!),
      [plain.case, softcap.case, causal.case],
    ),
    [
      'no cells for the bar `options=sinks ms <= 1`',
      'no cells for the bar `causal=true ms <= 1 of tokens=5`',
    ],
  );
  t.deepEqual(hold('options=sinks ms <= 1'), []);
});

test('every figure has its name and unit', (t) => {
  const decode = measuredCell({ mode: 'decode' });
  for (const [figure, value] of [
    ['ms', decode.ms.median],
    ['tokens/s', decode.tokensPerSecond],
    ['GFLOP/s', decode.gflopPerSecond],
    ['GB/s', decode.gigabytesPerSecond!],
    ['peak', decode.peakShare],
    ['MB', 200],
  ] as const) {
    t.true(holdBars([readBar(`${figure} >= ${value * 0.99}`)!], [decode])[0]!.isMet, figure);
    t.false(holdBars([readBar(`${figure} >= ${value * 1.01}`)!], [decode])[0]!.isMet, figure);
  }
});
