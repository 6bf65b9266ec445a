// What a soak leaves behind, in plain numbers: what became of its calls, and windows of time one after another.

/** Every call that was made, by how it ended; those that haven't are open. */
export interface CallCounts {
  made: number;
  right: number;
  wrong: number;
  /** Rejected with the reason of their signal. */
  aborted: number;
  /** Rejected with WORKER_LOST, where promise 8 says that a call may be. */
  lost: number;
  /** Rejected with anything else. */
  failed: number;
}

export interface Window {
  /** Where it ends, in seconds from the start. */
  readonly endSeconds: number;
  /** Calls that ended in it. */
  readonly calls: number;
  readonly aborted: number;
  readonly kills: number;
  /** The least that was resident. */
  readonly leastBytes: number;
  /** What JavaScript held at its end while all callers rested; null where they don't rest. */
  readonly heldBytes: number | null;
  /** The median of what was counted, as a worker that was killed is missing for a moment; null where nobody counts. */
  readonly threads: number | null;
}

export interface SoakRecord {
  readonly calls: Readonly<CallCounts>;
  /** The first of the calls that went wrong, in words. */
  readonly complaints: readonly string[];
  readonly windows: readonly Window[];
  /** What the engine says once the last caller has gone. */
  readonly engine: {
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly open: number;
    /** Working memory and packed weights, less those before the load. */
    readonly leftBytes: number;
  };
}

export function countEnded({ right, wrong, aborted, lost, failed }: Readonly<CallCounts>): number {
  return right + wrong + aborted + lost + failed;
}
