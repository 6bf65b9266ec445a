// Progress of a long run: how much of its inputs is done, and how fast.
import { basename } from 'node:path';
import type { FileIdentity } from '../runs/identity.js';
import type { RunProgress } from '../runs/run.js';
import { formatCount, formatDuration, formatShare } from '../page/figures.js';
import { startProgressLine, type ProgressParts } from './progress-line.js';

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
  readonly end: () => void;
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
  const line = startProgressLine(stream);

  const describe = (input: number): ProgressParts => {
    const elapsedMs = Math.max(performance.now() - startMs, 1);
    const moved = doneWeight - startWeight;
    const share = isKnown ? doneWeight / allWeights : undefined;
    const leftMs = (elapsedMs * (allWeights - doneWeight)) / moved;
    return {
      share,
      state: share === undefined ? '' : formatShare(share, 0).padStart(5),
      left: isKnown && moved > 0 ? `${formatDuration(leftMs)} left` : '',
      details: [
        `${formatCount(sequences)} sequences`,
        `${formatCount((tokens / elapsedMs) * 1e3)} tokens/s`,
        `${(source.flop() / elapsedMs / 1e6).toFixed(1)} GFLOP/s`,
      ],
      name: `${basename(inputs[input]!.path)}${inputs.length > 1 ? ` (${input + 1} of ${inputs.length})` : ''}`,
    };
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
      line.show(() => describe(input));
    },
    end: line.end,
  };
}
