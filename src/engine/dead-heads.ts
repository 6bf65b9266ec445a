// Heads that `headScale` switches off: nothing is computed for them, and their part of the concatenation is zeros.
import type { Heads, ResolvedOptions } from '../attention/problem.js';

type Wishes = Pick<
  ResolvedOptions,
  'headScale' | 'returnWeights' | 'returnScores' | 'returnLogSumExp' | 'headStatistics'
>;

/** None where something is asked of heads that doesn't depend on their factor. */
export function deadHeadsOf(options: Wishes): ReadonlySet<number> {
  const { headScale, returnWeights, returnScores, returnLogSumExp, headStatistics } = options;
  const isOutputAll = returnWeights === null && returnScores === null && !returnLogSumExp && !headStatistics;
  if (headScale === null || !isOutputAll) return new Set();
  return new Set([...headScale.keys()].filter((head) => headScale[head] === 0));
}

/** Key/value heads that no living query head reads. */
export function deadKvHeads(dead: ReadonlySet<number>, { heads, kvHeads }: Heads): ReadonlySet<number> {
  const group = heads / kvHeads;
  const isDead = (kvHead: number): boolean => {
    for (let g = 0; g < group; g++) if (!dead.has(kvHead * group + g)) return false;
    return true;
  };
  return new Set(Array.from({ length: kvHeads }, (_, kvHead) => kvHead).filter(isDead));
}
