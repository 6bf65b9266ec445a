// What is said of a scaling curve beyond its measured points: the fitted laws and the simulation, as a sentence each, as
// rows of a table, or in charts. What points don't bear out is not told, and why not is.
import { leastPoints } from '../scaling/laws.js';
import type { AmdahlFit, ScalingCurve, UniversalFit } from '../scaling/results.js';
import { formatFigure, formatQuantity, formatShare } from '../../page/figures.js';

export interface Fit {
  readonly law: string;
  /** Its parameters, or why there are none. */
  readonly says: string;
  /** From the measured points; null where nothing could be held against them. */
  readonly deviation: number | null;
  readonly isTold: boolean;
}

// What is further off where it can be checked says nothing of where it can't.
const mostDeviation = 0.15;
// Fits of more workers than an engine takes say that there is no such number.
const mostWorkers = 1024;

/** Both laws and the simulation, told or not. */
export function fitsOf(curve: ScalingCurve, isBusy: boolean): readonly [Fit, Fit, Fit] {
  const { amdahl, universal, points } = curve;
  const lawOf = (law: string, least: number, told: Parameters | null): Fit => {
    if (told === null || points.length < least) return untold(law, `needs ${least} measured points`);
    if (isBusy) return untold(law, 'not fitted, the machine was busy');
    const miss = formatShare(told.deviation, 0);
    return told.deviation > mostDeviation
      ? untold(law, `no fit, the points are ${miss} off it`)
      : { law, ...told, isTold: true };
  };
  return [
    lawOf("Amdahl's law", leastPoints.amdahl, amdahl && readAmdahl(amdahl)),
    lawOf('Universal scalability law', leastPoints.universal, universal && readUniversal(universal)),
    fitOfSimulation(curve, isBusy),
  ];
}

/** The curve with nothing but what is told of it. */
export function onlyTold(curve: ScalingCurve, isBusy: boolean): ScalingCurve {
  const [amdahl, universal, simulation] = fitsOf(curve, isBusy);
  return {
    ...curve,
    amdahl: amdahl.isTold ? curve.amdahl : null,
    universal: universal.isTold ? curve.universal : null,
    predicted: simulation.isTold ? curve.predicted : [],
  };
}

interface Parameters {
  readonly says: string;
  readonly deviation: number;
}

function readAmdahl({ serial, deviation }: AmdahlFit): Parameters {
  const limit = 1 / serial;
  const bound =
    limit > mostWorkers ? '' : `: never more than ${limit.toFixed(limit < 10 ? 1 : 0)} times one worker`;
  return { says: `${formatShare(serial, 2)} of the work is serial${bound}`, deviation };
}

function readUniversal(fit: UniversalFit): Parameters {
  const { contention, coherence, peakWorkers, deviation } = fit;
  const peak =
    peakWorkers === null || peakWorkers > mostWorkers
      ? ''
      : `: more than ${Math.round(peakWorkers)} workers would be slower`;
  const says = `contention ${formatShare(contention, 2)}, coherence ${formatShare(coherence, 4)}${peak}`;
  return { says, deviation };
}

function fitOfSimulation({ points, predicted, predictionError }: ScalingCurve, isBusy: boolean): Fit {
  const law = 'Simulated plan';
  const furthest = predicted.at(-1);
  if (furthest === undefined) return untold(law, 'nothing was predicted');
  if (isBusy) return untold(law, 'no prediction, the machine was busy');
  if (predictionError > mostDeviation) {
    const miss = formatShare(predictionError, 0);
    return untold(
      law,
      `no prediction, it misses measured points by up to ${miss}, more than ${formatShare(mostDeviation, 0)}`,
    );
  }
  const says = `${formatFigure(furthest.speedUp)} times one with ${formatQuantity(furthest.workers, 'worker')}`;
  // One worker is simulated as it was measured.
  if (points.length < 2) return { law, says: `${says}, unchecked`, deviation: null, isTold: true };
  return { law, says, deviation: predictionError, isTold: true };
}

function untold(law: string, says: string): Fit {
  return { law, says, deviation: null, isTold: false };
}

/** "Amdahl's law: 2.00 % of the work is serial; the points are 0.4 % off it." */
export function formatFit({ law, says, deviation }: Fit): string {
  return `${law}: ${says}${deviation === null ? '' : `; the points are ${formatShare(deviation, 1)} off it`}.`;
}
