// Whether shards were computed more often than the faults of a round explain: a pure function of its record.
import type { Process } from './crew.js';
import type { Claim, Happened, RoundRecord } from './record.js';

/** What is wrong, a line each; nothing where all is well. @param lockSeconds how long a lock lasts without a sign of life */
export function findProblems({ complaints, claims, happened }: RoundRecord, lockSeconds: number): string[] {
  return [...complaints, ...findUnexplained(claims, happened, lockSeconds * 1000)];
}

/**
 * Another attempt at a shard needs a fault that took it from the process before: one of that process, or of the server,
 * between the two. A process is at one shard at a time, so that a fault explains one attempt of each process that it hit.
 */
function findUnexplained(claims: readonly Claim[], happened: readonly Happened[], lockMs: number): string[] {
  const problems: string[] = [];
  const explained = new Set<string>();
  // The server's last: they can explain an attempt of anybody.
  const faults = happened.toSorted((a, b) => rankOf(a) - rankOf(b) || a.fromMs - b.fromMs);
  for (const [before, after] of pairsOf(claims)) {
    const fault = faults.find((one) => {
      return explains(one, before, after, lockMs) && !explained.has(keyOf(one, before.process));
    });
    if (fault !== undefined) explained.add(keyOf(fault, before.process));
    else problems.push(`${describe(before)} was followed by another, and no fault explains it`);
  }
  return problems;
}

function rankOf({ process }: Happened): number {
  return process === undefined ? 1 : 0;
}

function keyOf({ fault, fromMs }: Happened, process: Process | undefined): string {
  return JSON.stringify([fault, fromMs, process ?? null]);
}

/** Each attempt but the last of its shard, with the one after it; in the order of their times. */
function pairsOf(claims: readonly Claim[]): (readonly [Claim, Claim])[] {
  const ordered = claims.toSorted((a, b) => a.shard - b.shard || a.attempt - b.attempt);
  return ordered
    .flatMap((claim, n) => {
      const next = ordered[n + 1];
      return next?.shard === claim.shard ? [[claim, next] as const] : [];
    })
    .sort(([a], [b]) => a.atMs - b.atMs);
}

function explains(fault: Happened, before: Claim, after: Claim, lockMs: number): boolean {
  const { process, fromMs, untilMs } = fault;
  if (process !== undefined && before.process !== undefined && !isSame(process, before.process)) return false;
  // An answer that was under way while the server stood still may give a job whose lock has ended since.
  const graceMs = process === undefined ? lockMs : 0;
  return fromMs <= after.atMs && before.atMs <= untilMs + graceMs;
}

function isSame(a: Process, b: Process): boolean {
  return a.host === b.host && a.pid === b.pid;
}

function describe({ shard, attempt, process }: Claim): string {
  const who = process === undefined ? 'somebody' : `process ${process.pid} on ${process.host}`;
  return `Attempt ${attempt} at shard ${shard} by ${who}`;
}
