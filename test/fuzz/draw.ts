// Random choices of a fuzzer: a case is a number, and the same number is the same case everywhere.
import { createRandom } from '../../src/core/tensor/random.js';

export interface Draw {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
  isLucky(share: number): boolean;
}

export function createDraw(seed: number): Draw {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random.uniform() * limit);
  return {
    below,
    pick: (choices) => choices[below(choices.length)]!,
    isLucky: (share) => random.uniform() < share,
  };
}
