// The points of a scaling experiment as tables, measured and predicted: as text with what the fitted laws say of them, on a
// page, and as CSV.
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
import { describeAmdahl, describeUniversal } from './fits.js';

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
  ms: { value: ({ ms, simulated }) => ms?.median ?? simulated?.ms, ...time },
  median: { value: ({ ms }) => ms?.median, ...time, isForPeople: true },
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
  speedUp: { title: 'speed-up', value: ({ speedUp }) => speedUp, ...ratio },
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
  peakEfficiency: { title: 'of them', textTitle: 'of peak', value: (row) => row.peakEfficiency, ...share },
  predictedMs: { title: 'predicted', value: ({ simulated }) => simulated?.ms, ...time, isForPeople: true },
  simulatedSpeedUp: {
    title: 'speed-up',
    textTitle: 'simulated',
    value: ({ simulated }) => simulated?.speedUp,
    ...ratio,
  },
  // Text tells what would be reached as well.
  anyEfficiency: {
    title: 'efficiency',
    value: ({ workers, efficiency, simulated }) => efficiency ?? (simulated && simulated.speedUp / workers),
    ...share,
    isForPeople: true,
  },
  dispatchMs: { title: 'dispatch', textTitle: 'dispatch ms', value: ({ dispatchMs }) => dispatchMs, ...time },
  waitShare: { title: 'waiting', value: ({ waitShare }) => waitShare, ...share },
  note: { value: noteOf, isForPeople: true },
} satisfies Columns<Row>;

function statusOf({ work, simulated }: Row): string {
  if (work !== undefined) return 'measured';
  return simulated?.isBeyondMachine === true ? 'predicted beyond the machine' : 'predicted';
}

function noteOf({ work, simulated }: Row): string | null {
  if (work !== undefined) return null;
  return simulated?.isBeyondMachine === true ? 'predicted, beyond this machine' : 'predicted';
}

function describeShape(row: Row): string {
  if (row.work === undefined) return `(${noteOf(row)!})`;
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

/** A line a point, measured ones and predicted ones. */
export function formatScalingCsv({ curves }: ScalingResults): string {
  return formatCsv<Row>({ ...columns, ...phaseColumns(curves) }, curves.flatMap(rowsOf));
}

/** To be sorted. */
export function formatPoints(curve: ScalingCurve, title: string): Markup {
  return formatHtmlTable({
    caption: `${title}; times are milliseconds of a call`,
    columns: [
      ...select(columns, [
        'workers',
        'median',
        'interval',
        'speedUp',
        'speedUpInterval',
        'efficiency',
        'peakSpeedUp',
        'peakEfficiency',
        'waitShare',
        'dispatchMs',
        'predictedMs',
        'simulatedSpeedUp',
      ]),
      ...Object.values(phaseColumns([curve])),
      ...select(columns, ['note']),
    ],
    rows: rowsOf(curve).sort((a, b) => a.workers - b.workers),
    isUnsure: ({ work }) => work === undefined,
    isSortable: true,
    isWide: true,
  });
}

export function formatScaling(results: ScalingResults): string {
  const { title, version, machine, kernel, instructionSet, peaks, curves } = results;
  const peak = peaks.map((rate) => (rate / 1e9).toFixed(1)).join(', ');
  const count = peaks.length;
  const head = [
    `${title}: headpool ${version}, kernel ${kernel} (${instructionSet}), node ${machine.node}`,
    `${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, ${machine.platform}`,
    `multiply-adds alone on ${count === 1 ? '1 worker' : `1 … ${count} workers`}: ${peak} GFLOP/s`,
  ];
  return [head.join('\n'), ...curves.map(formatCurve)].join('\n\n');
}

function formatCurve(curve: ScalingCurve): string {
  const { kind, axis, amdahl, universal, predictionError } = curve;
  const table = {
    columns: [
      ...select(columns, ['workers', 'shape', 'ms', 'speedUp', 'speedUpInterval', 'simulatedSpeedUp']),
      ...select(columns, ['anyEfficiency', 'peakEfficiency']),
      ...Object.values(phaseColumns([curve])),
      ...select(columns, ['dispatchMs', 'waitShare']),
    ],
    rows: rowsOf(curve),
  };
  return [
    `${kind} scaling by ${axis}: ${kind === 'strong' ? 'the same work' : 'as much more work as there are more workers'}`,
    formatTextTable(table),
    describeAmdahl(amdahl),
    describeUniversal(universal),
    `The simulated speed-ups are off by at most ${formatShare(predictionError, 1)} of the measured ones.`,
  ].join('\n');
}
