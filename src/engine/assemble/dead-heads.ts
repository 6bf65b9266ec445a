// Heads that `headScale` switches off: nothing is computed for them, and their part of the concatenation is zeros.
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import type { Heads } from '../../core/protocol/layout.js';

type Wishes = Pick<
  ResolvedOptions,
  'rules' | 'returnWeights' | 'returnScores' | 'returnLogSumExp' | 'headStatistics'
>;

/** None where something is asked of heads that doesn't depend on their factor. */
export function deadHeadsOf(options: Wishes): ReadonlySet<number> {
  const { rules, returnWeights, returnScores, returnLogSumExp, headStatistics } = options;
  const factors = rules.headScale?.data;
  const isOutputAll = returnWeights === null && returnScores === null && !returnLogSumExp && !headStatistics;
  if (factors === undefined || !isOutputAll) return new Set();
  return new Set([...factors.keys()].filter((head) => factors[head] === 0));
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
