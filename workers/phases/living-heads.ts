// Heads to compute and heads to leave at zeros.
import type { AttentionBlock } from '../kernels/kernel.js';
import type { AttentionWork } from '../../src/core/protocol/attention-work.js';

/** Of each key/value head: runs [first, end) of query heads to compute, and the heads whose output is zeros. */
export interface LivingHeads {
  readonly runs: readonly (readonly (readonly [number, number])[])[];
  readonly dead: readonly (readonly number[])[];
}

export function livingHeads({ heads, kvHeads, deadHeads }: AttentionWork): LivingHeads {
  const group = heads / kvHeads;
  const runs: [number, number][][] = [];
  const dead: number[][] = [];
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    const runsOfHead: [number, number][] = [];
    const deadOfHead: number[] = [];
    for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
      if (deadHeads.includes(head)) deadOfHead.push(head);
      else if (runsOfHead.at(-1)?.[1] === head) runsOfHead.at(-1)![1]++;
      else runsOfHead.push([head, head + 1]);
    }
    runs.push(runsOfHead);
    dead.push(deadOfHead);
  }
  return { runs, dead };
}

/** Zeros for the outputs of `dead` heads; the block starts at head 0. */
export function clearDeadHeads(block: AttentionBlock, dead: readonly number[]): void {
  const { output, queries, valueDim } = block;
  for (const head of dead) {
    for (let i = 0; i < queries; i++) {
      const start = output.offset + i * output.rowStride + head * output.headStride;
      output.data.fill(0, start, start + valueDim);
    }
  }
}
