// Progress of a grid on stderr: a bar on a terminal, a plain line every ten seconds elsewhere.
import type { GridProgress } from '../measure/grid/visit-clock.js';
import { formatDuration, formatShare } from '../page/figures.js';
import { formatBar, fit } from './progress.js';

const plainEveryMs = 10_000;

export function startGridProgress(stream: NodeJS.WriteStream): {
  show(progress: GridProgress): void;
  /** Clears the bar, so that other output starts on a clean line. */
  end(): void;
} {
  let shownMs = performance.now();
  return {
    show({ done, of, name, msLeft }) {
      const share = done / of;
      const left = msLeft === undefined ? '' : `${formatDuration(msLeft)} left  `;
      const line = `${formatShare(share, 0).padStart(5)}  ${left}${name}`;
      if (stream.isTTY) {
        stream.write(`\r\u001B[2K${fit(`${formatBar(share)} ${line}`, stream)}`);
      } else if (done < of && performance.now() - shownMs >= plainEveryMs) {
        shownMs = performance.now();
        stream.write(`${line}\n`);
      }
    },
    end() {
      if (stream.isTTY) stream.write('\r\u001B[2K');
    },
  };
}
