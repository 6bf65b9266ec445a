// A worker that answers the probe and ends as soon as it gets a seat.
export { probe } from '../../../workers/worker.js';

export function serve(): void {
  process.exit(3);
}
