// What a call becomes: phases for the workers, and the result that they write. Types, and the one way to make a phase.
import type { AttentionResult } from '../../attention/result.js';
import type { Work } from '../../core/protocol/work.js';
import type { WorkingSet } from './working-set.js';
import type { KernelTraits } from '../../core/protocol/kernels.js';
import type { PhasePlan } from '../plan/units.js';

/** What calls are assembled in and for. */
export interface AssemblyContext {
  readonly memory: WorkingSet;
  readonly traits: Pick<KernelTraits, 'unitRows' | 'arena'>;
}

export interface Assembly {
  readonly phases: readonly PlannedPhase[];
  /** The result, once all phases are done and before working memory goes back. */
  conclude(): AttentionResult;
}

/** The phases of all kinds of calls, as statistics name them: kinds of work, and the projection that makes the output. */
export type PhaseName =
  | 'pack'
  | 'gather'
  | 'project'
  | 'rotate'
  | 'append'
  | 'attend'
  | 'decode'
  | 'merge'
  | 'gram'
  | 'contribute'
  | 'output'
  | 'peak'
  | 'read';

export interface PlannedPhase extends PhasePlan {
  readonly name: PhaseName;
  readonly work: Work;
  readonly entries: readonly Float64Array[];
}

export function planPhase(
  name: PhaseName,
  work: Work,
  plan: PhasePlan,
  entries: readonly Float64Array[] = [],
): PlannedPhase {
  return { ...plan, name, work, entries };
}

export function flopOf(phases: readonly PlannedPhase[]): number {
  return phases.reduce((sum, { flop }) => sum + flop, 0);
}
