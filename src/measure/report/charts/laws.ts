// Speed-up by the laws whose parameters were fitted.
import type { AmdahlFit, UniversalFit } from '../../scaling/results.js';

export function amdahl({ serial }: Pick<AmdahlFit, 'serial'>, workers: number): number {
  return 1 / (serial + (1 - serial) / workers);
}

export function universal(
  { contention, coherence }: Pick<UniversalFit, 'contention' | 'coherence'>,
  workers: number,
): number {
  return workers / (1 + contention * (workers - 1) + coherence * workers * (workers - 1));
}
