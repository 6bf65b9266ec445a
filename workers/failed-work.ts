// What a worker threw while it computed, and where in its job.
import type { WorkerReport } from '../src/core/protocol/messages.js';

type FailedPlace = Extract<WorkerReport, { kind: 'failed' }>['place'];

export class FailedWork extends Error {
  readonly place: FailedPlace;

  constructor(place: FailedPlace, cause: unknown) {
    super('The work of a job failed', { cause });
    this.place = place;
  }
}
