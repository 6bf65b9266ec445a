// What the tooltip of a cell says, whichever chart it is in.
import { nameOfCase, type MeasuredCell } from '../../grid/results.js';
import { formatFigure, formatShare } from '../../../page/figures.js';

/** The figures of a cell in lines. */
export function tooltipOf(cell: MeasuredCell): string {
  const { ms, interval, gflopPerSecond, peakShare, gigabytesPerSecond, isNoisy } = cell;
  return [
    nameOfCase(cell.case),
    `${formatFigure(ms.median)} ms (95 %: ${formatFigure(interval.low)} to ${formatFigure(interval.high)})`,
    `${formatFigure(gflopPerSecond)} GFLOP/s, ${formatShare(peakShare)} of the multiply-adds' rate`,
    ...(gigabytesPerSecond === null ? [] : [`${formatFigure(gigabytesPerSecond)} GB/s`]),
    ...(isNoisy ? ['noisy: its control failed'] : []),
  ].join('\n');
}
