// What a call becomes: phases for the workers, and the result that they write. Types, and the one way to make a phase.
import type { AttentionResult } from '../attention/multi-head.js';
import type { Phase, Work } from '../../workers/protocol.js';
import type { PhasePlan } from './plan.js';

export interface Assembly {
  readonly phases: readonly PlannedPhase[];
  readonly result: AttentionResult;
}

/** The phases of all kinds of calls, as statistics name them. */
export type PhaseName = 'pack' | 'gather' | 'project' | 'attend' | 'output' | 'peak';

export interface PlannedPhase extends Phase {
  readonly name: PhaseName;
  readonly flop: number;
}

export function planPhase(name: PhaseName, work: Work, { units, unitCount, flop }: PhasePlan): PlannedPhase {
  return { name, units: units.buffer, unitCount, work, flop };
}
