// Progress of a long run on stderr: a bar on a terminal, a plain line every ten seconds elsewhere.
import { formatCount, formatDuration } from '../report/table.js';

const barWidth = 30;
const plainEveryMs = 10_000;
const drawEveryMs = 100;

export interface Progress {
  /** Counts tokens and sequences done. */
  add(tokens: number, sequences: number): void;
  /** Clears the bar, so that other output starts on a clean line. */
  end(): void;
}

export function startProgress(
  totalTokens: number,
  totalSequences: number,
  stream: NodeJS.WriteStream,
): Progress {
  const startMs = performance.now();
  let [tokens, sequences] = [0, 0];
  let shownMs = startMs;
  const isTerminal = stream.isTTY;

  const status = (nowMs: number): string => {
    const elapsedMs = nowMs - startMs;
    const share = totalTokens === 0 ? 1 : tokens / totalTokens;
    const perSecond = (tokens / Math.max(elapsedMs, 1)) * 1e3;
    const left = share === 0 ? '' : `, ${formatDuration((elapsedMs / share) * (1 - share))} left`;
    return (
      `${(share * 100).toFixed(0)} %  ${formatCount(sequences)}/${formatCount(totalSequences)} sequences, ` +
      `${formatCount(perSecond)} tokens/s${left}`
    );
  };

  return {
    add(moreTokens, moreSequences) {
      tokens += moreTokens;
      sequences += moreSequences;
      const nowMs = performance.now();
      if (nowMs - shownMs < (isTerminal ? drawEveryMs : plainEveryMs)) return;
      shownMs = nowMs;
      const filled = Math.round((barWidth * tokens) / Math.max(totalTokens, 1));
      const bar = '█'.repeat(filled).padEnd(barWidth, '░');
      stream.write(isTerminal ? `\r\u001B[2K${bar}  ${status(nowMs)}` : `${status(nowMs)}\n`);
    },
    end() {
      if (isTerminal) stream.write('\r\u001B[2K');
    },
  };
}
