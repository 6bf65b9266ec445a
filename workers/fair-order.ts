// Which of its open jobs a worker takes the next unit of: the one with the least work left, so that short calls don't wait
// for long ones; but every few units that of the one that came first, so that none starves.
import type { Job } from '../src/core/protocol/messages.js';

/** What the order looks at. */
export interface Waiting {
  readonly job: Pick<Job, 'priority'>;
  readonly remainingFlop: number;
}

// One unit in so many is the oldest job's: a long call gets at least an eighth of a worker, and a short one waits for one
// more unit at most.
const turnOfOldest = 8;

export class FairOrder<Open extends Waiting> {
  /** In the order in which they came. */
  readonly #open: Open[] = [];
  #turn = 0;

  get size(): number {
    return this.#open.length;
  }

  add(open: Open): void {
    this.#open.push(open);
  }

  remove(open: Open): void {
    const index = this.#open.indexOf(open);
    if (index >= 0) this.#open.splice(index, 1);
  }

  has(open: Open): boolean {
    return this.#open.includes(open);
  }

  /** The next to take a unit of, then the others in their order: where one waits for other workers, the next can be had. */
  *next(): Generator<Open> {
    const left = [...this.#open];
    const isTurnOfOldest = ++this.#turn % turnOfOldest === 0;
    for (let first = true; left.length > 0; first = false) {
      const index = first && isTurnOfOldest ? 0 : indexOfShortest(left);
      yield left.splice(index, 1)[0]!;
    }
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
