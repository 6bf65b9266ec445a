// What rows have to show: on a GPU shares of what it can do and times against the processor; on the software device, whose
// time says nothing of a GPU's, what is the same everywhere.
import type { BarLine } from '../../../src/measure/grid/bars.js';
import { formatShare } from '../../../src/page/figures.js';
import type { LayerCase } from '../layer.js';
import { nameOf } from '../peers/cases.js';
import type { Row } from './row.js';

const leastPeakShare: Readonly<Record<string, number>> = { product: 0.5, attention: 0.35 };
const leastAgainstProcessor = 10;
const leastAgainstPlain = 1.5;
const mostOutsideMs = 3;

export function gpuBars(rows: readonly Row[], layers: readonly LayerCase[]): BarLine[] {
  const long = layers
    .filter(({ modelDim, heads, tokens }) => modelDim === 768 && heads === 12 && tokens >= 2048)
    .map(nameOf);
  return rows.flatMap((row): BarLine[] => {
    const share = leastPeakShare[row.case];
    if (share !== undefined) {
      const isMet = row.peakShare >= share;
      const found = formatShare(row.peakShare);
      return [
        {
          name: `${row.case}, of the multiply-add rate`,
          found,
          wanted: `at least ${formatShare(share, 0)}`,
          isMet,
        },
      ];
    }
    return long.includes(row.case) && row.against !== 'gpujs' ? [barRatio(row, leastAgainstProcessor)] : [];
  });
}

export function softwareBars(rows: readonly Row[]): BarLine[] {
  return rows.flatMap((row): BarLine[] => {
    if (row.case === 'product') return [barRatio(row, leastAgainstPlain)];
    const { use } = row;
    if (use === null || row.against !== 'gpujs') return [];
    return [
      {
        name: `${row.case}, a call outside kernels and copies, at least`,
        found: `${use.outsideMs.toFixed(2)} ms`,
        wanted: `under ${mostOutsideMs} ms`,
        isMet: use.outsideMs < mostOutsideMs,
      },
      {
        name: `${row.case}, submissions of a call`,
        found: String(use.submissions),
        wanted: '1',
        isMet: use.submissions === 1,
      },
    ];
  });
}

function barRatio({ case: name, against, pairs: { safeRatio } }: Row, least: number): BarLine {
  return {
    name: `${name} against ${against}, less the control's deviation`,
    found: `${safeRatio.toFixed(2)}x`,
    wanted: `at least ${least}x`,
    isMet: safeRatio >= least,
  };
}
