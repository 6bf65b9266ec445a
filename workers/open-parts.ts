// Parts of jobs that a kernel has which answers later: tells the coordinator since when it has finished none of them.
import type { Activity } from '../src/core/protocol/activity.js';
import { sharedClockMs } from '../src/core/protocol/control.js';

export class OpenParts {
  readonly #activity: Activity;
  readonly #index: number;
  #count = 0;

  /** @param index of the worker */
  constructor(activity: Activity, index: number) {
    this.#activity = activity;
    this.#index = index;
  }

  begin(): void {
    if (this.#count === 0) this.#activity.begin(this.#index, sharedClockMs());
    this.#count++;
  }

  /** The time of those that are left counts from here: a device does one after the other. */
  end(): void {
    const nowMs = this.#activity.end(this.#index);
    this.#count--;
    if (this.#count > 0) this.#activity.begin(this.#index, nowMs);
  }
}
