// What is written down of a round.
import type { Process } from './crew.js';
import type { LongFault } from './plan.js';

/** Times are milliseconds since 1970. */
export interface Happened {
  readonly fault: LongFault | 'kill';
  /** Whom it hit; absent of what hits the server, and so everybody. */
  readonly process?: Process;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The beginning of an attempt at a shard. */
export interface Claim {
  readonly shard: number;
  readonly attempt: number;
  /** Undefined if it was killed before it could say. */
  readonly process: Process | undefined;
  readonly atMs: number;
}

export interface RoundRecord {
  readonly seed: number;
  readonly seconds: number;
  readonly happened: readonly Happened[];
  readonly claims: readonly Claim[];
  /** What went wrong on the way, a line each. */
  readonly complaints: readonly string[];
}
