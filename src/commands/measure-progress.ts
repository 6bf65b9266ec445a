// Progress of a measurement on stderr: a bar on a terminal, a plain line every ten seconds elsewhere.
import type { MeasureProgress } from '../measure/progress.js';
import { formatDuration } from '../page/figures.js';
import { fit, formatBar } from './progress.js';

const plainEveryMs = 10_000;

/** @param describe what is done, in front of the time that is left */
export function startMeasureProgress(
  stream: NodeJS.WriteStream,
  describe: (progress: MeasureProgress) => string,
): {
  readonly show: (progress: MeasureProgress) => void;
  /** Clears the bar, so that other output starts on a clean line. */
  readonly end: () => void;
} {
  let shownMs = performance.now();
  return {
    show: (progress) => {
      const { done, of, name, msLeft } = progress;
      const left = msLeft === undefined ? '' : `${formatDuration(msLeft)} left  `;
      const line = `${describe(progress)}  ${left}${name}`;
      if (stream.isTTY) {
        stream.write(`\r\u001B[2K${fit(`${formatBar(done / of)} ${line}`, stream)}`);
      } else if (done < of && performance.now() - shownMs >= plainEveryMs) {
        shownMs = performance.now();
        stream.write(`${line}\n`);
      }
    },
    end: () => {
      if (stream.isTTY) stream.write('\r\u001B[2K');
    },
  };
}
