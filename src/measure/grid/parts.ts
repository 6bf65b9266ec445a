// What a layer's time goes into: the products with its weights, and the attention between them.
import type { MeasuredCell } from './results.js';

/** Milliseconds of a call. */
export interface LayerParts {
  readonly projections: number;
  /** Rotation, cache and copies included. */
  readonly attention: number;
}

const projectionPhases: ReadonlySet<string> = new Set(['project', 'output']);

/** Null of attention alone, which has no parts, and where no phases were timed. */
export function partsOf({
  case: { mode },
  phaseMs,
}: Pick<MeasuredCell, 'case' | 'phaseMs'>): LayerParts | null {
  const phases = Object.entries(phaseMs);
  if (mode === 'attention' || phases.length === 0) return null;
  const sumOf = (isPart: (phase: string) => boolean): number =>
    phases.filter(([phase]) => isPart(phase)).reduce((sum, [, ms]) => sum + ms, 0);
  return {
    projections: sumOf((phase) => projectionPhases.has(phase)),
    attention: sumOf((phase) => !projectionPhases.has(phase)),
  };
}
