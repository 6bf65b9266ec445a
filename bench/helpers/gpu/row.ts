// A row of the benchmark of a GPU: what our shaders took, and against whom.
import type { PairResult } from '../../../src/measure/pairs.js';
import type { DeviceUse } from '../../../src/measure/grid/results.js';
import { formatBytes, formatShare } from '../../../src/page/figures.js';
import { formatMedian, formatRate } from '../outcome.js';

/** What a call of a layer asked of the device, in medians of some calls. */
export interface CallUse extends DeviceUse {
  /** At most. */
  readonly submissions: number;
  /** Milliseconds of a call besides the device's (messages, tables, encoding), at least: all else that runs adds to them. */
  readonly outsideMs: number;
}

export interface Row {
  /** 'product', 'attention', or a layer: modelDim/heads/tokens. */
  readonly case: string;
  /** The kernel that the pairs are against. */
  readonly against: string;
  /** Of a call. */
  readonly flop: number;
  readonly pairs: PairResult;
  /** What ours reached of the device's rate of multiply-adds. */
  readonly peakShare: number;
  /** Where operands come from the host and go back there. */
  readonly use: CallUse | null;
}

export const rowTitles = [
  ...['case', 'against', 'pairs', 'their ms', 'ms', 'GFLOP/s', 'of peak', 'ratio', 'control'],
  ...['upload', 'compute', 'read back', 'outside', 'device'],
];

export function describeRow({ case: name, against, flop, pairs, peakShare, use }: Row): string[] {
  const { ours, theirs, ratio, control } = pairs;
  const parts =
    use === null
      ? ['', '', '', '', '']
      : [
          ...[use.uploadMs, use.computeMs, use.readBackMs, use.outsideMs].map((ms) => ms.toFixed(2)),
          formatBytes(use.bufferBytes),
        ];
  return [
    ...[name, against, String(ours.count), theirs.median.toFixed(2), ours.median.toFixed(2)],
    ...[formatRate(flop, ours.median), formatShare(peakShare), formatMedian(ratio), formatMedian(control)],
    ...parts,
  ];
}
