// The program of attention: step after step for some queries of an entry and the query heads of a key/value head, with
// matrices of queries times keys in between.
//
// What the plain kernels don't promise, as WGSL doesn't: NaN and infinities among the numbers that a row attends give
// whatever the device's arithmetic gives, mostly NaN in that row; numbers below 2^-126 may be taken for 0. What is left
// out is another matter: whether a key is attended is told by masks, positions and the bits of a bias, and where it isn't
// neither its score nor its value is used.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { rulesFrom } from '../../../../src/core/protocol/score-rules.js';
import { entryFrom, from } from '../../../../src/core/protocol/strided.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { Dispatch, Scratch } from '../dispatch.js';
import { createScratch, everything, everywhere, matrix, turned } from './place.js';
import { plainKernels } from './shaders.js';
import type { Placed } from './translate.js';

/** Some queries of an entry, and the heads that share a key/value head. */
export interface Block {
  readonly entry: number;
  readonly kvHead: number;
  readonly firstQuery: number;
  readonly queries: number;
  readonly keys: number;
}

/** What blocks write in their turn. */
export interface Matrices {
  readonly attended: Scratch;
  readonly scaled: Scratch;
  readonly capped: Scratch;
  readonly scores: Scratch;
  readonly weights: Scratch;
  readonly maxima: Scratch;
  readonly sums: Scratch;
}

/** What a block has computed. */
export interface Steps {
  /** All [group, queries, keys and extra keys]. */
  readonly attended: Placed;
  readonly scaled: Placed;
  readonly capped: Placed;
  readonly scores: Placed;
  readonly weights: Placed;
  /** Column x is query x of head y. */
  readonly maxima: Placed;
  readonly sums: Placed;
  readonly output: Placed;
}

export function createMatrices(rows: number, elements: number): Matrices {
  const [attended, scaled, scores, weights] = [0, 1, 2, 3].map(() => createScratch(elements));
  return {
    attended: attended!,
    scaled: scaled!,
    capped: createScratch(elements),
    scores: scores!,
    weights: weights!,
    maxima: createScratch(rows),
    sums: createScratch(rows),
  };
}

/** A window without a bound on a side, as integers on the device know it. */
const farAway = 2 ** 30;

export function attendBlock(
  work: AttentionWork,
  entries: Float64Array,
  { entry, kvHead, firstQuery, queries, keys }: Block,
  matrices: Matrices,
): { readonly dispatches: readonly Dispatch[]; readonly steps: Steps } {
  const kernels = plainKernels();
  const { headDim, valueDim, extra } = work;
  const group = work.heads / work.kvHeads;
  const head = kvHead * group;
  const word = (index: number): number => entries[entry * entryWords.count + index]!;
  const rules = rulesFrom(work.rules, { entry, head, row: firstQuery });
  const position = firstQuery + word(entryWords.diagonal);
  const extraKeys = extra?.count ?? 0;
  const columns = keys + extraKeys;
  const [ofPairs, ofRows] = [[columns, queries, group] as const, [queries, group, 1] as const];
  const of = (data: Scratch): Placed => matrix(data, queries, columns);
  const steps: Steps = {
    attended: of(matrices.attended),
    scaled: of(matrices.scaled),
    capped: rules.softcap === 0 ? of(matrices.scaled) : of(matrices.capped),
    scores: of(matrices.scores),
    weights: of(matrices.weights),
    maxima: matrix(matrices.maxima, group, queries),
    sums: matrix(matrices.sums, group, queries),
    output: entryFrom(work.output, word(entryWords.outputOffset), head, firstQuery),
  };
  const { attended, scaled, capped, scores, weights, maxima, sums, output } = steps;
  const dispatches: Dispatch[] = [];

  // step 1: which keys each query attends
  const leftOut = rules.bias ?? everywhere(0);
  const [left, right] = [Math.min(rules.left, farAway), Math.min(rules.right, farAway)];
  const mask = rules.mask ?? everything();
  if (columns > 0)
    dispatches.push(
      kernels.findAttended.dispatch(ofPairs, attended, { mask, leftOut, keys, position, left, right }),
    );

  // step 2: s = scale · q·k, softcapped, less ALiBi, with the bias
  const query = entryFrom(work.query, word(entryWords.queryOffset), head, firstQuery);
  const { scale } = rules;
  const keysOf = (key: Placed, count: number, offset: number): void => {
    if (count === 0) return;
    const to = { ...scaled, offset: scaled.offset + offset };
    dispatches.push(
      kernels.multiplyKeys.dispatch([count, queries, group], to, { query, key, headDim, scale }),
    );
  };
  keysOf(entryFrom(work.key, word(entryWords.keyOffset), kvHead), keys, 0);
  if (extra !== null) keysOf(from(extra.key, { head: kvHead }), extraKeys, keys);
  if (columns > 0) {
    const { softcap, bias, alibiSlopes } = rules;
    if (softcap !== 0)
      dispatches.push(kernels.capScores.dispatch(ofPairs, capped, { scores: scaled, softcap }));
    const slopes = alibiSlopes ?? everywhere(0);
    dispatches.push(
      kernels.placeScores.dispatch(ofPairs, scores, {
        scores: capped,
        slopes,
        bias: bias ?? everywhere(0),
        keys,
        position,
      }),
    );
  }

  // step 3: m = max_j s_j, l = Σ e^(s_j - m), p_j = e^(s_j - m) / l
  const sinks = rules.sinks ?? everywhere(-Infinity);
  dispatches.push(
    kernels.findMaximum.dispatch(ofRows, maxima, { scores, attended, sinks, columns }),
    kernels.sumExponentials.dispatch(ofRows, sums, {
      scores,
      attended,
      sinks,
      maxima: turned(maxima),
      columns,
    }),
  );
  if (columns > 0)
    dispatches.push(
      kernels.weighKeys.dispatch(ofPairs, weights, {
        scores,
        attended,
        maxima: turned(maxima),
        sums: turned(sums),
      }),
    );

  // step 4: o = Σ_j p_j v_j times the head's factor
  const value = keys === 0 ? everywhere(0) : entryFrom(work.value, word(entryWords.valueOffset), kvHead);
  dispatches.push(
    kernels.sumValues.dispatch([valueDim, queries, group], output, {
      weights,
      attended,
      value,
      extraValue: extra === null ? everywhere(0) : from(extra.value, { head: kvHead }),
      factors: rules.headScale ?? everywhere(1),
      keys,
      extraKeys,
    }),
  );
  return { dispatches, steps };
}
