// The ways in which a call is computed: what they are handed, what they answer, and the one that every call can go: phases
// assembled for it alone.
import type { Priority } from '../core/protocol/messages.js';
import type { AttentionResult } from '../attention/result.js';
import type { Assembly, PlannedPhase } from './assemble/assembly.js';
import type { WorkingSet } from './assemble/working-set.js';
import type { Span } from './job-block.js';
import type { KeptJob } from './job.js';
import type { Scheduler } from './scheduler.js';
import type { StatsRecorder } from './stats.js';

/** A call that was let in. */
export interface Computing {
  /** Given back when the call is over. */
  readonly memory: WorkingSet;
  readonly signal: AbortSignal | undefined;
  readonly priority: Priority;
  /** Waits for what other calls wait for too, but no longer than this call goes on. */
  wait(shared: Promise<void>): Promise<void>;
}

export interface Computed {
  readonly result: AttentionResult;
  /** When its phases were computed; none where there was nothing to do. */
  readonly spans: readonly Span[];
  /** Whether it was computed together with others. */
  readonly isGathered?: boolean;
}

/** What runs jobs and counts them. */
export interface JobHost {
  readonly scheduler: Scheduler;
  readonly stats: StatsRecorder;
}

/** Runs phases, or a job that was kept of them. */
export async function runPhases(
  phases: readonly PlannedPhase[],
  { scheduler, stats }: JobHost,
  { signal, priority }: Pick<Computing, 'signal' | 'priority'>,
  kept?: KeptJob,
): Promise<readonly Span[]> {
  // Without tokens there may be nothing to do in a phase, or in any.
  const busy = phases.filter(({ unitCount }) => unitCount > 0);
  if (busy.length === 0) return [];
  const options = { signal, priority, mayHelp: true };
  const { spans } = await (kept === undefined
    ? scheduler.run(busy, options)
    : scheduler.runKept(kept, options));
  stats.count(busy, spans);
  return spans;
}

export async function computeAlone(
  assembly: Assembly,
  host: JobHost,
  computing: Computing,
): Promise<Computed> {
  const spans = await runPhases(assembly.phases, host, computing);
  return { result: assembly.conclude(), spans };
}
