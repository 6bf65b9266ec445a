// What many callers of one layer call: a sequence each, of mixed lengths, seeded.
import { createRandom } from '../../../src/core/tensor/random.js';
import type { Work } from './works.js';

export const callers = 64;
const [shortest, longest] = [16, 512];

export const callersWork: Work = { modelDim: 512, heads: 8, lengths: drawLengths() };
export const callersTitle = `${callers} callers, T = ${shortest} to ${longest}, 512/8`;

/** One for each caller. */
function drawLengths(): number[] {
  const random = createRandom(1);
  return Array.from({ length: callers }, () =>
    Math.floor(shortest + random.uniform() * (longest - shortest + 1)),
  );
}
