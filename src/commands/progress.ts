// Progress of a long run on stderr: a bar on a terminal, a plain line every ten seconds elsewhere.
import { basename } from 'node:path';
import type { FileIdentity } from '../runs/identity.js';
import type { RunProgress } from '../runs/run.js';
import { formatCount, formatDuration, formatShare } from '../page/figures.js';

const barWidth = 24;
const plainEveryMs = 10_000;
const drawEveryMs = 100;

export interface ProgressSource {
  readonly inputs: readonly FileIdentity[];
  /** Which inputs an earlier run has finished. */
  isDone(input: number): boolean;
  /** Work done so far. */
  flop(): number;
}

export interface Progress {
  add(done: RunProgress): void;
  /** Clears the bar, so that other output starts on a clean line. */
  end(): void;
}

export function startProgress(source: ProgressSource, stream: NodeJS.WriteStream): Progress {
  const { inputs } = source;
  const startMs = performance.now();
  const shares = inputs.map((_, input): number => (source.isDone(input) ? 1 : 0));
  // Inputs count by their size, and a little besides, lest empty ones count for nothing.
  const weights = inputs.map(({ bytes }) => bytes + 1);
  const allWeights = weights.reduce((sum, weight) => sum + weight, 0);
  let doneWeight = shares.reduce((sum, share, input) => sum + share * weights[input]!, 0);
  const startWeight = doneWeight;
  let [tokens, sequences, isKnown] = [0, 0, true];
  let shownMs = startMs;
  const isTerminal = stream.isTTY;

  const describe = (input: number, nowMs: number): string => {
    const elapsedMs = Math.max(nowMs - startMs, 1);
    const rates = `${formatCount((tokens / elapsedMs) * 1e3)} tokens/s, ${(source.flop() / elapsedMs / 1e6).toFixed(1)} GFLOP/s`;
    const moved = doneWeight - startWeight;
    const left =
      isKnown && moved > 0 ? `, ${formatDuration((elapsedMs * (allWeights - doneWeight)) / moved)} left` : '';
    const file = `${basename(inputs[input]!.path)}${inputs.length > 1 ? ` (${input + 1} of ${inputs.length})` : ''}`;
    return `${formatCount(sequences)} sequences, ${rates}${left}  ${file}`;
  };

  return {
    add({ tokens: moreTokens, sequences: moreSequences, input, share }) {
      tokens += moreTokens;
      sequences += moreSequences;
      if (share === undefined) isKnown = false;
      else {
        doneWeight += (share - shares[input]!) * weights[input]!;
        shares[input] = share;
      }
      const nowMs = performance.now();
      if (nowMs - shownMs < (isTerminal ? drawEveryMs : plainEveryMs)) return;
      shownMs = nowMs;
      const share0 = doneWeight / allWeights;
      const percent = isKnown ? `${formatShare(share0, 0).padStart(5)}  ` : '';
      const line = `${percent}${describe(input, nowMs)}`;
      stream.write(
        isTerminal
          ? `\r\u001B[2K${fit(isKnown ? `${formatBar(share0)} ${line}` : line, stream)}`
          : `${line}\n`,
      );
    },
    end() {
      if (isTerminal) stream.write('\r\u001B[2K');
    },
  };
}

export function formatBar(share: number): string {
  return '█'.repeat(Math.round(barWidth * share)).padEnd(barWidth, '░');
}

/** A bar that wraps would leave its first line behind. */
export function fit(line: string, { columns }: NodeJS.WriteStream): string {
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}
