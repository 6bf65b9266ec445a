// The points of a scaling curve, measured and predicted, as a table to sort.
import type { PredictedPoint, ScalingCurve, ScalingPoint } from '../../scaling/results.js';
import { formatFigure, formatShare } from '../../../page/figures.js';
import type { Markup } from '../../../page/markup.js';
import { formatCount } from '../../../page/table.js';
import { formatDataTable, type Column } from '../../../page/data-table.js';

interface Row {
  readonly workers: number;
  readonly point: ScalingPoint | null;
  readonly predicted: PredictedPoint | null;
}

export function formatScalingTable({ points, predicted }: ScalingCurve, title: string): Markup {
  const workers = [...new Set([...points, ...predicted].map((point) => point.workers))].sort((a, b) => a - b);
  const phases = [...new Set(points.flatMap(({ phaseMs }) => Object.keys(phaseMs)))];
  return formatDataTable({
    caption: `${title}; times are milliseconds of a call`,
    columns: [...columns.slice(0, -1), ...phases.map(phaseColumn), ...columns.slice(-1)],
    rows: workers.map((count): Row => {
      const isOfCount = (point: { readonly workers: number }): boolean => point.workers === count;
      return {
        workers: count,
        point: points.find(isOfCount) ?? null,
        predicted: predicted.find(isOfCount) ?? null,
      };
    }),
    isUnsure: ({ point }) => point === null,
  });
}

const columns: readonly Column<Row>[] = [
  { title: 'workers', value: ({ workers }) => workers, show: ({ workers }) => formatCount(workers) },
  { title: 'median', ...measured(({ ms }) => ms.median, formatFigure) },
  {
    title: '95 %',
    ...measured(
      ({ interval }) => interval.low,
      (_, { interval }) => `${formatFigure(interval.low)} to ${formatFigure(interval.high)}`,
    ),
  },
  { title: 'speed-up', ...measured(({ speedUp }) => speedUp, formatRatio) },
  {
    title: '95 %',
    ...measured(
      ({ speedUpInterval }) => speedUpInterval.low,
      (_, { speedUpInterval: { low, high } }) => `${formatRatio(low)} to ${formatRatio(high)}`,
    ),
  },
  { title: 'efficiency', ...measured(({ efficiency }) => efficiency, formatShare) },
  { title: 'multiply-adds', ...measured(({ peakSpeedUp }) => peakSpeedUp, formatRatio) },
  { title: 'of them', ...measured(({ peakEfficiency }) => peakEfficiency, formatShare) },
  { title: 'waiting', ...measured(({ waitShare }) => waitShare, formatShare) },
  { title: 'dispatch', ...measured(({ dispatchMs }) => dispatchMs, formatFigure) },
  { title: 'predicted', ...simulated(({ ms }) => ms, formatFigure) },
  { title: 'speed-up', ...simulated(({ speedUp }) => speedUp, formatRatio) },
  {
    title: 'note',
    value: ({ point, predicted }) => {
      if (predicted?.isBeyondMachine === true) return 'predicted, beyond this machine';
      return point === null ? 'predicted' : null;
    },
  },
];

type Shown = Pick<Column<Row>, 'value' | 'show'>;

function measured(
  valueOf: (point: ScalingPoint) => number,
  show: (value: number, point: ScalingPoint) => string,
): Shown {
  return {
    value: ({ point }) => (point === null ? null : valueOf(point)),
    show: ({ point }) => (point === null ? '' : show(valueOf(point), point)),
  };
}

function simulated(valueOf: (point: PredictedPoint) => number, show: (value: number) => string): Shown {
  return {
    value: ({ predicted }) => (predicted === null ? null : valueOf(predicted)),
    show: ({ predicted }) => (predicted === null ? '' : show(valueOf(predicted))),
  };
}

function phaseColumn(phase: string): Column<Row> {
  return { title: phase, ...measured(({ phaseMs }) => phaseMs[phase] ?? Number.NaN, formatFigure) };
}

function formatRatio(ratio: number): string {
  return ratio.toFixed(2);
}
