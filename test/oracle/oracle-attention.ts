// The oracle's attention: of each row all scores, their softmax, and the weighted sum of values.
import { attendedKeys, positionOf, prepareHeads, scoreAt } from './oracle-scores.js';
import { statisticsOf } from './oracle-statistics.js';
import type { OracleInputs, OracleResult, OracleStage } from './oracle-types.js';

/**
 * headScale · softmax(softcap(q·kᵀ·scale) + ALiBi + bias)·v; a query that may attend no key gives zeros, and keys left
 * out are never read.
 */
export function attendOracle(inputs: OracleInputs): OracleResult {
  const { dims, extra } = inputs;
  const { batch, heads, queries, valueDim } = dims;
  const prepared = prepareHeads(inputs);
  const columns = dims.keys + (extra?.count ?? 0);
  const output = new Float64Array(batch * heads * queries * valueDim);
  const weights = new Float64Array(batch * heads * queries * columns);
  const logSumExp = new Float64Array(batch * heads * queries);
  const isAttending = new Uint8Array(batch * heads * queries);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const row = (b * heads + h) * queries + i;
        const attended = attendedKeys(inputs, b, h, i);
        const p = weights.subarray(row * columns, (row + 1) * columns);
        for (const j of attended) p[j] = scoreAt(prepared, [b, h, i, j], 'biased');
        logSumExp[row] = softmax(p, attended, inputs.sinks?.[h]);
        sumValues(inputs, b, h, p, attended, output.subarray(row * valueDim));
        isAttending[row] = attended.length > 0 ? 1 : 0;
      }
    }
  }
  const headStatistics = statisticsOf({
    dims: { ...dims, columns },
    weights,
    output,
    isAttending: (row) => isAttending[row] === 1,
    positionOf: (b, i) => positionOf(inputs, b, i),
  });
  const scores = (stage: OracleStage): Float64Array =>
    stage === 'probabilities' ? weights : scoresAfter(prepared, stage);
  return { output, weights, logSumExp, scores, headStatistics };
}

/** Turns the scores of the attended columns into probabilities and returns their log-sum-exp. */
function softmax(p: Float64Array, attended: readonly number[], sink = -Infinity): number {
  let m = sink;
  for (const j of attended) m = Math.max(m, p[j]!);
  // Scores of -Infinity alone have the sum 0, whatever is subtracted from them.
  if (m === -Infinity) m = 0;
  let l = Math.exp(sink - m);
  for (const j of attended) {
    p[j] = Math.exp(p[j]! - m);
    l += p[j];
  }
  for (const j of attended) p[j] = p[j]! / l;
  return m + Math.log(l);
}

/** Writes headScale · Σ_j p_j v_j; a head of scale 0 is zeros, whatever its values are. */
function sumValues(
  inputs: OracleInputs,
  b: number,
  h: number,
  p: Float64Array,
  attended: readonly number[],
  o: Float64Array,
): void {
  const headScale = inputs.headScale?.[h] ?? 1;
  for (let d = 0; d < inputs.dims.valueDim; d++) {
    let sum = 0;
    for (const j of attended) sum += p[j]! * valueAt(inputs, b, h, j, d);
    o[d] = headScale === 0 ? 0 : headScale * sum;
  }
}

function valueAt({ dims, v, extra }: OracleInputs, b: number, h: number, j: number, d: number): number {
  const { heads, kvHeads, keys, valueDim } = dims;
  const kvHead = Math.floor(h / (heads / kvHeads));
  if (j < keys) return v[((b * kvHeads + kvHead) * keys + j) * valueDim + d]!;
  return extra!.v[(kvHead * extra!.count + j - keys) * valueDim + d]!;
}

/** @param prepared inputs whose queries and keys are normalised and turned */
function scoresAfter(prepared: OracleInputs, stage: Exclude<OracleStage, 'probabilities'>): Float64Array {
  const { dims, keyLengths, extra } = prepared;
  const { batch, heads, queries, keys } = dims;
  const columns = keys + (extra?.count ?? 0);
  const scores = new Float64Array(batch * heads * queries * columns).fill(-Infinity);
  for (let row = 0; row < batch * heads * queries; row++) {
    const i = row % queries;
    const h = Math.floor(row / queries) % heads;
    const b = Math.floor(row / queries / heads);
    const isThere = (j: number): boolean => j >= keys || j < (keyLengths?.[b] ?? keys);
    const present = stage === 'biased' ? attendedKeys(prepared, b, h, i) : range(columns).filter(isThere);
    for (const j of present) scores[row * columns + j] = scoreAt(prepared, [b, h, i, j], stage);
  }
  return scores;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, n) => n);
}
