// The results of a scaling experiment as comma-separated values: a line a point, measured ones and predicted ones.
import type { PredictedPoint, ScalingCurve, ScalingPoint, ScalingResults } from '../scaling/results.js';

/** A cell that is empty where a line has no such figure. */
type Line = Readonly<Record<string, string | number>>;

const columns = [
  ...[
    'kind',
    'axis',
    'workers',
    'status',
    'modelDim',
    'heads',
    'tokens',
    'batch',
    'flop',
    'ms',
    'msLow',
    'msHigh',
  ],
  ...['minMs', 'p10Ms', 'p90Ms', 'p99Ms', 'maxMs', 'samples', 'speedUp', 'speedUpLow', 'speedUpHigh'],
  ...['efficiency', 'peakSpeedUp', 'peakEfficiency', 'simulatedSpeedUp', 'dispatchMs', 'waitShare'],
];

/** With a header; lines end with \n. No cell needs quotes: they are names and numbers of our own. */
export function formatScalingCsv({ curves }: ScalingResults): string {
  const phases = [
    ...new Set(curves.flatMap(({ points }) => points.flatMap((point) => Object.keys(point.phaseMs)))),
  ];
  const names = [...columns, ...phases.map(phaseColumn)];
  const lines = curves.flatMap(linesOf);
  const rows = lines.map((line) => names.map((name) => line[name] ?? '').join(','));
  return `${[names.join(','), ...rows].join('\n')}\n`;
}

function linesOf({ kind, axis, points, predicted }: ScalingCurve): Line[] {
  const further = predicted.filter(({ workers }) => points.every((point) => point.workers !== workers));
  const simulated = new Map(predicted.map(({ workers, speedUp }) => [workers, speedUp]));
  return [
    ...points.map((point) => ({ kind, axis, ...measuredLine(point, simulated.get(point.workers)) })),
    ...further.map((point) => ({ kind, axis, ...predictedLine(point) })),
  ];
}

function measuredLine(point: ScalingPoint, simulated: number | undefined): Line {
  const { workers, work, ms, interval, phaseMs, dispatchMs, waitShare } = point;
  const { modelDim, heads, tokens, batch, flop } = work;
  const { speedUp, speedUpInterval, efficiency, peakSpeedUp, peakEfficiency } = point;
  return {
    ...{ workers, status: 'measured', modelDim, heads, tokens, batch, flop },
    ...{ ms: ms.median, msLow: interval.low, msHigh: interval.high, samples: ms.count },
    ...{ minMs: ms.min, p10Ms: ms.p10, p90Ms: ms.p90, p99Ms: ms.p99, maxMs: ms.max },
    ...{ speedUp, speedUpLow: speedUpInterval.low, speedUpHigh: speedUpInterval.high },
    ...{ efficiency, peakSpeedUp, peakEfficiency, dispatchMs, waitShare },
    ...(simulated !== undefined && { simulatedSpeedUp: simulated }),
    ...Object.fromEntries(Object.entries(phaseMs).map(([phase, value]) => [phaseColumn(phase), value])),
  };
}

function predictedLine({ workers, ms, speedUp, isBeyondMachine }: PredictedPoint): Line {
  const status = isBeyondMachine ? 'predicted beyond the machine' : 'predicted';
  return { workers, status, ms, simulatedSpeedUp: speedUp };
}

function phaseColumn(phase: string): string {
  return `${phase}Ms`;
}
