// The results of a scaling experiment as text: a table a curve, and what the fitted laws say of it.
import type {
  AmdahlFit,
  PredictedPoint,
  ScalingCurve,
  ScalingPoint,
  ScalingResults,
  UniversalFit,
} from '../scaling/results.js';
import type { Interval } from '../statistics.js';
import { formatCount, formatFlop, formatTable, type Alignment } from '../../page/table.js';

// Fits of more workers than an engine takes say that there is no such number.
const mostWorkers = 1024;

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
  const { kind, axis, points, predicted, predictionError } = curve;
  const phases = [...new Set(points.flatMap(({ phaseMs }) => Object.keys(phaseMs)))];
  const measured = new Set(points.map(({ workers }) => workers));
  const header = [
    ...['workers', 'work', 'ms', 'speed-up', '95 %', 'simulated', 'efficiency', 'of peak'],
    ...phases.map((phase) => `${phase} ms`),
    ...['dispatch ms', 'waiting'],
  ];
  const rows = points.map((point) =>
    pointRow(
      point,
      predicted.find(({ workers }) => workers === point.workers),
      phases,
    ),
  );
  const further = predicted.filter(({ workers }) => !measured.has(workers)).map(predictedRow);
  const alignments = header.map((_, column): Alignment => (column === 1 ? 'left' : 'right'));
  return [
    `${kind} scaling by ${axis}: ${kind === 'strong' ? 'the same work' : 'as much more work as there are more workers'}`,
    formatTable([header, ...rows, ...further], alignments),
    describeAmdahl(curve.amdahl),
    describeUniversal(curve.universal),
    `The simulated speed-ups are off by at most ${percent(predictionError)} of the measured ones.`,
  ].join('\n');
}

function pointRow(
  point: ScalingPoint,
  simulated: PredictedPoint | undefined,
  phases: readonly string[],
): string[] {
  const { workers, work, ms, speedUp, speedUpInterval, efficiency, peakEfficiency } = point;
  return [
    formatCount(workers),
    `${work.batch} x ${work.tokens} tokens, ${work.heads} ${work.heads === 1 ? 'head' : 'heads'}, ${formatFlop(work.flop)}`,
    formatMs(ms.median),
    ratio(speedUp),
    workers === 1 ? '' : formatInterval(speedUpInterval),
    simulated === undefined ? '' : ratio(simulated.speedUp),
    percent(efficiency),
    percent(peakEfficiency),
    ...phases.map((phase) => formatMs(point.phaseMs[phase] ?? 0)),
    formatMs(point.dispatchMs),
    percent(point.waitShare),
  ];
}

/** Its speed-up stands where nobody takes it for a measured one. */
function predictedRow({ workers, ms, speedUp, isBeyondMachine }: PredictedPoint): string[] {
  const place = isBeyondMachine ? '(predicted, beyond this machine)' : '(predicted)';
  return [formatCount(workers), place, formatMs(ms), '', '', ratio(speedUp), percent(speedUp / workers)];
}

export function describeAmdahl(fit: AmdahlFit | null): string {
  if (fit === null) return "Amdahl's law is fitted to two points or more.";
  const { serial, deviation } = fit;
  const limit = 1 / serial;
  const bound =
    limit > mostWorkers ? '' : `: never more than ${limit.toFixed(limit < 10 ? 1 : 0)} times one worker`;
  return `Amdahl's law: ${percent(serial, 2)} of the work is serial${bound}; the points are ${percent(deviation)} off it.`;
}

export function describeUniversal(fit: UniversalFit | null): string {
  if (fit === null) return 'The universal scalability law is fitted to three points or more.';
  const { contention, coherence, peakWorkers, deviation } = fit;
  const peak =
    peakWorkers === null || peakWorkers > mostWorkers
      ? ''
      : `: more than ${Math.round(peakWorkers)} workers would be slower`;
  return (
    `Universal scalability law: contention ${percent(contention, 2)}, coherence ${percent(coherence, 4)}${peak}; ` +
    `the points are ${percent(deviation)} off it.`
  );
}

function formatInterval({ low, high }: Interval): string {
  return `${ratio(low)} - ${ratio(high)}`;
}

function ratio(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : 1);
}
