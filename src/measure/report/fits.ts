// What the fitted laws and the simulation say of a scaling curve: as a sentence each, or as rows of a table.
import type { AmdahlFit, ScalingCurve, UniversalFit } from '../scaling/results.js';
import { formatFigure, formatQuantity, formatShare } from '../../page/figures.js';

export interface Fit {
  readonly law: string;
  readonly says: string;
  readonly deviation: number;
}

// Fits of more workers than an engine takes say that there is no such number.
const mostWorkers = 1024;

function readAmdahl({ serial, deviation }: AmdahlFit): Fit {
  const limit = 1 / serial;
  const bound =
    limit > mostWorkers ? '' : `: never more than ${limit.toFixed(limit < 10 ? 1 : 0)} times one worker`;
  return { law: "Amdahl's law", says: `${formatShare(serial, 2)} of the work is serial${bound}`, deviation };
}

function readUniversal({ contention, coherence, peakWorkers, deviation }: UniversalFit): Fit {
  const peak =
    peakWorkers === null || peakWorkers > mostWorkers
      ? ''
      : `: more than ${Math.round(peakWorkers)} workers would be slower`;
  const says = `contention ${formatShare(contention, 2)}, coherence ${formatShare(coherence, 4)}${peak}`;
  return { law: 'Universal law', says, deviation };
}

function formatSentence({ law, says, deviation }: Fit): string {
  return `${law}: ${says}; the points are ${formatShare(deviation, 1)} off it.`;
}

export function describeAmdahl(fit: AmdahlFit | null): string {
  if (fit === null) return "Amdahl's law is fitted to two points or more.";
  return formatSentence(readAmdahl(fit));
}

export function describeUniversal(fit: UniversalFit | null): string {
  if (fit === null) return 'The universal scalability law is fitted to three points or more.';
  return formatSentence({ ...readUniversal(fit), law: 'Universal scalability law' });
}

/** The fitted laws, and the furthest that the simulation tells. */
export function fitsOf({ amdahl, universal, predicted, predictionError }: ScalingCurve): Fit[] {
  const laws = [...(amdahl ? [readAmdahl(amdahl)] : []), ...(universal ? [readUniversal(universal)] : [])];
  const simulated = predicted.slice(-1).map(({ workers, speedUp }): Fit => {
    const says = `${formatFigure(speedUp)} times one with ${formatQuantity(workers, 'worker')}`;
    return { law: 'Simulated plan', says, deviation: predictionError };
  });
  return [...laws, ...simulated];
}
