// The points of a scaling experiment as tables, measured and predicted: as text with what the fitted laws say of them, on a
// page, and as CSV.
import { gainOverPeak } from '../busy.js';
import type { PredictedPoint, ScalingCurve, ScalingPoint, ScalingResults } from '../scaling/results.js';
import {
  formatCount,
  formatDecimals,
  formatFigure,
  formatFlop,
  formatQuantity,
  formatRange,
  formatShare,
} from '../../page/figures.js';
import type { Markup } from '../../page/markup.js';
import { formatCsv, formatHtmlTable, formatTextTable, select, type Columns } from '../../page/table.js';
import { fitsOf, formatFit, onlyTold } from './fits.js';
import { describeBusy } from './machine.js';
import { predicted } from './row-marks.js';

/** Of one number of workers: a measured point, what the simulation says of it, or both. */
interface Row extends Partial<ScalingPoint> {
  readonly curve: ScalingCurve;
  readonly workers: number;
  readonly simulated: PredictedPoint | undefined;
}

/** Measured points, and below them those that are only predicted. */
function rowsOf(curve: ScalingCurve): Row[] {
  const { points, predicted } = curve;
  const counts = new Set([...points, ...predicted].map(({ workers }) => workers));
  return [...counts].map((workers) => ({
    curve,
    workers,
    simulated: predicted.find((point) => point.workers === workers),
    ...points.find((point) => point.workers === workers),
  }));
}

const time = { format: formatFigure, textFormat: formatDecimals };
const ratio = { format: (value: number) => value.toFixed(2), textFormat: formatDecimals };
const share = { format: formatShare, textFormat: (value: number) => formatShare(value, 1) };

const columns = {
  kind: { value: ({ curve }) => curve.kind },
  axis: { value: ({ curve }) => curve.axis },
  workers: { value: ({ workers }) => workers, format: formatCount },
  status: { value: statusOf },
  shape: { title: 'work', value: describeShape, isForPeople: true },
  modelDim: { value: ({ work }) => work?.modelDim },
  heads: { value: ({ work }) => work?.heads },
  tokens: { value: ({ work }) => work?.tokens },
  batch: { value: ({ work }) => work?.batch },
  flop: { value: ({ work }) => work?.flop },
  ms: {
    title: 'median',
    textTitle: 'ms',
    value: ({ ms, simulated }) => ms?.median ?? simulated?.ms,
    ...time,
  },
  interval: {
    title: '95 %',
    value: ({ interval }) => interval?.low,
    show: ({ interval }) => interval && formatRange(interval, formatFigure),
    isForPeople: true,
  },
  msLow: { value: ({ interval }) => interval?.low },
  msHigh: { value: ({ interval }) => interval?.high },
  minMs: { value: ({ ms }) => ms?.min },
  p10Ms: { value: ({ ms }) => ms?.p10 },
  p90Ms: { value: ({ ms }) => ms?.p90 },
  p99Ms: { value: ({ ms }) => ms?.p99 },
  maxMs: { value: ({ ms }) => ms?.max },
  samples: { value: ({ ms }) => ms?.count },
  speedUp: { value: ({ speedUp }) => speedUp },
  anySpeedUp: {
    title: 'speed-up of pairs',
    value: ({ speedUp, simulated }) => speedUp ?? simulated?.speedUp,
    ...ratio,
    isForPeople: true,
  },
  speedUpInterval: {
    title: '95 %',
    value: ({ workers, speedUpInterval }) => (workers === 1 ? null : speedUpInterval?.low),
    show: ({ speedUpInterval }) => speedUpInterval && formatRange(speedUpInterval, formatDecimals, ' - '),
    showHtml: ({ speedUpInterval }) => speedUpInterval && formatRange(speedUpInterval, ratio.format),
    isForPeople: true,
  },
  speedUpLow: { value: ({ speedUpInterval }) => speedUpInterval?.low },
  speedUpHigh: { value: ({ speedUpInterval }) => speedUpInterval?.high },
  efficiency: { value: ({ efficiency }) => efficiency, ...share },
  peakSpeedUp: { title: 'multiply-adds', value: ({ peakSpeedUp }) => peakSpeedUp, ...ratio },
  peakEfficiency: {
    title: 'of them',
    textTitle: 'of peak',
    value: (row) => (isMeasured(row) ? gainOverPeak(row) : null),
    ...share,
  },
  simulatedSpeedUp: { value: ({ simulated }) => simulated?.speedUp },
  simulation: {
    title: 'simulated',
    value: (row) => (isMeasured(row) ? row.simulated?.speedUp : null),
    ...ratio,
    isForPeople: true,
  },
  anyEfficiency: {
    title: 'efficiency',
    value: ({ workers, efficiency, simulated }) => efficiency ?? (simulated && simulated.speedUp / workers),
    ...share,
    isForPeople: true,
  },
  dispatchMs: { title: 'dispatch', textTitle: 'dispatch ms', value: ({ dispatchMs }) => dispatchMs, ...time },
  waitShare: { title: 'waiting', value: ({ waitShare }) => waitShare, ...share },
} satisfies Columns<Row>;

function isMeasured(row: Row): row is Row & ScalingPoint {
  return row.work !== undefined;
}

function statusOf(row: Row): string {
  if (isMeasured(row)) return 'measured';
  return row.simulated?.isBeyondMachine === true ? 'predicted beyond the machine' : 'predicted';
}

function describeShape(row: Row): string {
  if (!isMeasured(row)) {
    return row.simulated?.isBeyondMachine === true ? '(predicted, beyond this machine)' : '(predicted)';
  }
  const { batch, tokens, heads, flop } = row.work;
  return `${batch} x ${tokens} tokens, ${formatQuantity(heads, 'head')}, ${formatFlop(flop)}`;
}

/** Of the milliseconds in each phase, by names with the unit. */
function phaseColumns(curves: readonly ScalingCurve[]): Columns<Row> {
  const points = curves.flatMap((curve) => curve.points);
  const phases = [...new Set(points.flatMap(({ phaseMs }) => Object.keys(phaseMs)))];
  const columnOf = (phase: string) => ({
    title: phase,
    textTitle: `${phase} ms`,
    value: ({ phaseMs }: Row) => phaseMs?.[phase],
    ...time,
  });
  return Object.fromEntries(phases.map((phase) => [`${phase}Ms`, columnOf(phase)]));
}

/** A line a point, measured ones and those of predictions that are told. */
export function formatScalingCsv({ curves, busy }: ScalingResults): string {
  const told = curves.map((curve) => onlyTold(curve, busy.length > 0));
  return formatCsv<Row>({ ...columns, ...phaseColumns(told) }, told.flatMap(rowsOf));
}

/** To be sorted. */
export function formatPoints(curve: ScalingCurve, title: string): Markup {
  return formatHtmlTable({
    caption: `${title}. Times are milliseconds of a call: medians, of phases and dispatch means. Speed-ups are medians of pairs measured in turn, not ratios of these medians.`,
    columns: [
      ...select(columns, [
        'workers',
        'ms',
        'interval',
        'anySpeedUp',
        'speedUpInterval',
        'anyEfficiency',
        'peakSpeedUp',
        'peakEfficiency',
        'simulation',
        'waitShare',
        'dispatchMs',
      ]),
      ...Object.values(phaseColumns([curve])),
    ],
    rows: rowsOf(curve).sort((a, b) => a.workers - b.workers),
    markOf: (row) => (isMeasured(row) ? undefined : predicted),
    isSortable: true,
    isWide: true,
  });
}

export function formatScaling(results: ScalingResults): string {
  const { title, version, machine, kernel, instructionSet, peaks, curves, busy } = results;
  const peak = peaks.map((rate) => (rate / 1e9).toFixed(1)).join(', ');
  const count = peaks.length;
  const head = [
    `${title}: headpool ${version}, kernel ${kernel} (${instructionSet}), node ${machine.node}`,
    `${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, ${machine.platform}`,
    `multiply-adds alone on ${count === 1 ? '1 worker' : `1 … ${count} workers`}: ${peak} GFLOP/s`,
  ];
  const isBusy = busy.length > 0;
  const text = [...head, ...describeBusy(busy)].join('\n');
  const says = 'ms: medians; phases and dispatch: means; speed-up: medians of pairs measured in turn';
  return [text, ...curves.map((curve) => formatCurve(curve, isBusy)), says].join('\n\n');
}

function formatCurve(curve: ScalingCurve, isBusy: boolean): string {
  const { kind, axis } = curve;
  const table = {
    columns: [
      ...select(columns, ['workers', 'shape', 'ms', 'anySpeedUp', 'speedUpInterval', 'simulation']),
      ...select(columns, ['anyEfficiency', 'peakEfficiency']),
      ...Object.values(phaseColumns([curve])),
      ...select(columns, ['dispatchMs', 'waitShare']),
    ],
    rows: rowsOf(onlyTold(curve, isBusy)),
  };
  return [
    `${kind} scaling by ${axis}: ${kind === 'strong' ? 'the same work' : 'as much more work as there are more workers'}`,
    formatTextTable(table),
    ...fitsOf(curve, isBusy).map(formatFit),
  ].join('\n');
}
