// Cases of a target by their numbers: a seed and some damage, the same wherever it is asked for.
import { createDraw } from './draw.js';
import type { FuzzTarget } from './target.js';

export async function createCases(target: FuzzTarget): Promise<(number: number) => Uint8Array> {
  const seeds = await target.createSeeds();
  return (number) => {
    const draw = createDraw(number);
    let bytes = seeds[number % seeds.length]!;
    for (let count = 1 + draw.below(3); count > 0; count--) bytes = target.damage(bytes, draw);
    return bytes;
  };
}
