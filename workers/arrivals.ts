// When the next job is to be expected, where jobs come at regular intervals: waking a sleeping thread takes longer than a
// short job, so a worker is awake a little before.

// Rarer ones are worth no early waking, and at shorter intervals a worker is awake anyway.
const longestMs = 25;
// A worker is awake for twice as long as intervals usually differ, within these bounds and a fifth of the interval.
const leastMarginMs = 0.25;
const mostMarginMs = 1;
// Of an interval in the mean of all: some ten of them count.
const weight = 0.15;

export interface Expectation {
  /** From now until the worker is to be awake. */
  readonly sleepMs: number;
  /** How long it is to look for the job from then on. */
  readonly lookMs: number;
}

export class Arrivals {
  #lastMs = 0;
  #meanMs = 0;
  #deviationMs = mostMarginMs;

  /** Takes note of when the worker was last called. */
  note(calledMs: number): void {
    if (calledMs === this.#lastMs) return;
    const interval = calledMs - this.#lastMs;
    this.#lastMs = calledMs;
    const difference = interval - this.#meanMs;
    if (Math.abs(difference) > longestMs) {
      // Regularity begins anew.
      this.#meanMs = interval;
      this.#deviationMs = mostMarginMs;
    } else {
      // One that is far off counts as one that is off.
      const counted = Math.max(-mostMarginMs, Math.min(mostMarginMs, difference));
      this.#meanMs += weight * counted;
      this.#deviationMs += weight * (Math.abs(counted) - this.#deviationMs);
    }
  }

  /** Undefined where jobs come at no regular intervals, or the next one is overdue. */
  expect(nowMs: number): Expectation | undefined {
    const marginMs = Math.max(leastMarginMs, 2 * this.#deviationMs);
    if (this.#meanMs > longestMs || marginMs > Math.min(mostMarginMs, this.#meanMs / 5)) return undefined;
    const sleepMs = this.#lastMs + this.#meanMs - marginMs - nowMs;
    return sleepMs > 0 ? { sleepMs, lookMs: 2 * marginMs } : undefined;
  }
}
