// What a sequence weighs in a cut: the FLOP of it, as the engine's own planning counts them. Nothing is computed.
import type { RunPlanner } from '../runs/planner.js';

/** Lengths that the planner is asked for, of each power of two; a plan takes milliseconds. */
const stepsOfOctave = 16;

/** Tokens of the sequences that a file of unknown lengths is taken to hold. */
const usualTokens = 512;

export class FlopWeights {
  readonly #planner: RunPlanner;
  readonly #known = new Map<string, number>();

  constructor(planner: RunPlanner) {
    this.#planner = planner;
  }

  /** Of one sequence and what it attends; never 0, since an empty one takes a while too. */
  of(tokens: number, keyTokens: number): number {
    const [t, k] = [roundLength(tokens), roundLength(keyTokens)];
    const key = `${t} ${k}`;
    let flop = this.#known.get(key);
    if (flop === undefined) {
      flop = t === 0 ? 0 : this.#planner.plan([0, t], [0, k]).flop;
      this.#known.set(key, flop);
    }
    return 1 + (t === 0 ? 0 : (flop * tokens) / t);
  }

  /** Of so many tokens in sequences nobody knows the lengths of. */
  ofUnknown(tokens: number): number {
    return 1 + (tokens / usualTokens) * this.of(usualTokens, usualTokens);
  }
}

function roundLength(tokens: number): number {
  if (tokens < 2 * stepsOfOctave) return tokens;
  const step = 2 ** Math.floor(Math.log2(tokens)) / stepsOfOctave;
  return Math.round(tokens / step) * step;
}
