// Which of its open jobs a worker takes the next units of: the one with the least work left, so that short calls don't wait
// for long ones; but a part of its time that of the one that came first, so that none starves.
import type { Job } from '../src/core/protocol/messages.js';

/** What the order looks at. */
export interface Waiting {
  readonly job: Pick<Job, 'priority'>;
  readonly remainingFlop: number;
}

// Of a worker's time, what the oldest job gets at least, as soon as that is a unit.
const shareOfOldest = 1 / 8;
const firstUnitMs = 1;

export class FairOrder<Open extends Waiting> {
  /** In the order in which they came. */
  readonly #open: Open[] = [];
  /** What the oldest job is entitled to and has not had, and what its last unit took. */
  #dueMs = 0;
  #unitMs = firstUnitMs;
  /** The job whose turn it was as the oldest. */
  #turn: Open | undefined;

  get size(): number {
    return this.#open.length;
  }

  add(open: Open): void {
    this.#open.push(open);
  }

  remove(open: Open): void {
    const index = this.#open.indexOf(open);
    if (index < 0) return;
    this.#open.splice(index, 1);
    if (index > 0) return;
    this.#dueMs = 0;
    this.#unitMs = firstUnitMs;
  }

  has(open: Open): boolean {
    return this.#open.includes(open);
  }

  /** The next to take units of, then the others in their order: where one waits for other workers, the next can be had. */
  *next(): Generator<Open> {
    const left = [...this.#open];
    this.#turn = this.#dueMs >= this.#unitMs ? left.shift() : undefined;
    if (this.#turn !== undefined) yield this.#turn;
    while (left.length > 0) yield left.splice(indexOfShortest(left), 1)[0]!;
  }

  /** Takes note of a unit of a job. @returns whether to go on with it, as long as no other job comes */
  spend(open: Open, ms: number): boolean {
    // What it can't use, waiting for other workers, it doesn't save up.
    this.#dueMs = Math.min(this.#dueMs + shareOfOldest * ms, 2 * this.#unitMs);
    if (open === this.#open[0]) {
      this.#dueMs = Math.max(0, this.#dueMs - ms);
      this.#unitMs = ms;
    }
    return this.#open.length === 1 || (open !== this.#turn && this.#dueMs < this.#unitMs);
  }
}

function indexOfShortest(open: readonly Waiting[]): number {
  if (open.length === 1) return 0;
  let best = 0;
  let [bestRank, bestFlop] = [Infinity, Infinity];
  open.forEach(({ job, remainingFlop }, index) => {
    const rank = job.priority === 'interactive' ? 0 : 1;
    if (rank > bestRank || (rank === bestRank && remainingFlop >= bestFlop)) return;
    best = index;
    bestRank = rank;
    bestFlop = remainingFlop;
  });
  return best;
}
