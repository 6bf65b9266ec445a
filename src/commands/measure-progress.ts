// Progress of a measurement: how many of its cells or points are done.
import type { MeasureProgress } from '../measure/progress.js';
import { formatDuration } from '../page/figures.js';
import { startProgressLine } from './progress-line.js';

/** @param describe what is done, in front of the time that is left */
export function startMeasureProgress(
  stream: NodeJS.WriteStream,
  describe: (progress: MeasureProgress) => string,
): {
  readonly show: (progress: MeasureProgress) => void;
  /** Clears the bar, so that other output starts on a clean line. */
  readonly end: () => void;
} {
  const line = startProgressLine(stream);
  return {
    show: (progress) => {
      line.show(() => {
        const { done, of, name, msLeft } = progress;
        const left = msLeft === undefined ? '' : `${formatDuration(msLeft)} left`;
        return { share: done / of, state: describe(progress), left, details: [], name };
      });
    },
    end: line.end,
  };
}
