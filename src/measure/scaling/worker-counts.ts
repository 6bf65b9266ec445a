// Which numbers of workers are measured and which are only simulated.

export interface WorkerCounts {
  /** Ascending, 1 among them. */
  readonly measured: readonly number[];
  /** Ascending, those measured among them: what is predicted of these is checked. */
  readonly predicted: readonly number[];
  /** Asked for, but more than the machine has processors: predicted instead. */
  readonly beyond: readonly number[];
}

// How far curves go where nobody says.
const mostPredicted = 64;

export interface AskedWorkers {
  /** Default: 1 … `parallelism`. */
  readonly workers?: readonly number[] | undefined;
  /** Default: 2, 4, 8 … times the most measured, up to 64. */
  readonly predict?: readonly number[] | undefined;
}

/** @param parallelism processors that this process may use */
export function countWorkers({ workers, predict }: AskedWorkers, parallelism: number): WorkerCounts {
  const asked = workers ?? Array.from({ length: parallelism }, (_, n) => n + 1);
  const measured = ascending([1, ...asked.filter((count) => count <= parallelism)]);
  const beyond = ascending(asked.filter((count) => count > parallelism));
  const further = predict ?? doublings(measured.at(-1)!);
  return { measured, predicted: ascending([...measured, ...beyond, ...further]), beyond };
}

function doublings(most: number): number[] {
  const counts: number[] = [];
  for (let count = 2 * most; count <= mostPredicted; count *= 2) counts.push(count);
  return counts;
}

function ascending(counts: readonly number[]): number[] {
  return [...new Set(counts)].sort((a, b) => a - b);
}
