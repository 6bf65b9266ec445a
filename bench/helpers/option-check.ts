// One call of an attention with options held against the float64 oracle: all of it where it is small, else three
// queries of every head.
import type {
  AttentionInputs,
  AttentionResult,
  Engine,
  HeadStatistics,
  TensorLike,
} from '../../src/index.js';
import { attendOracle, type OracleInputs, type OracleResult } from '../../test/oracle/oracle.js';
import { checkClose, relativeError } from './oracle.js';

// The oracle of more takes seconds.
const mostWholeTokens = 256;

interface Rows {
  readonly first: number;
  readonly count: number;
}

type RowName = 'output' | 'weights' | 'logSumExp';

interface Found {
  readonly result: AttentionResult;
  readonly oracle: OracleResult;
  readonly rows: Rows;
  readonly names: readonly RowName[];
}

/**
 * Self-attention on q, k, v [1, heads, tokens, headDim] without positions of its own: everything that the call asks for.
 * @throws RangeError if a number is wrong
 */
export async function checkOptions(
  what: string,
  engine: Pick<Engine, 'attention'>,
  inputs: AttentionInputs,
): Promise<void> {
  const tokens = inputs.q.shape[2]!;
  const result = await engine.attention(inputs);
  const names = namesOf(inputs);
  if (tokens <= mostWholeTokens) {
    const rows = { first: 0, count: tokens };
    const oracle = attendOracle(oracleOf(inputs, rows));
    checkRows(`${what} on ${tokens} tokens`, { result, oracle, rows, names });
    if (inputs.headStatistics === true) checkStatistics(what, result, oracle);
    return;
  }
  for (const first of [0, tokens >> 1, tokens - 1]) {
    const rows = { first, count: 1 };
    const oracle = attendOracle(oracleOf(inputs, rows));
    checkRows(`${what} on ${tokens} tokens, query ${first},`, { result, oracle, rows, names });
  }
}

/** What the call must return, row by row. */
function namesOf({ returnWeights, returnLogSumExp }: AttentionInputs): readonly RowName[] {
  const names: RowName[] = ['output'];
  if (returnWeights === true) names.push('weights');
  if (returnLogSumExp === true) names.push('logSumExp');
  return names;
}

function checkRows(what: string, { result, oracle, rows, names }: Found): void {
  for (const name of names) {
    const found = result[name];
    checkClose(`${name} of ${what}`, relativeError(found ? rowsOf(found, rows) : [], oracle[name]));
  }
}

function checkStatistics(what: string, { headStatistics }: AttentionResult, oracle: OracleResult): void {
  const wanted = Object.entries(oracle.headStatistics) as [keyof HeadStatistics, Float64Array][];
  for (const [name, values] of wanted) {
    checkClose(`${name} of ${what}`, relativeError(headStatistics?.[name]?.data ?? [], values));
  }
}

/** A call as the oracle takes it, for some of the queries. */
function oracleOf({ q, k, v, ...options }: AttentionInputs, rows: Rows): OracleInputs {
  const [, heads, keys, headDim] = k.shape as [number, number, number, number];
  const { causal = false, mask, bias, keyLengths, scale, window } = options;
  const { softcap, alibiSlopes, sinks, headScale, rope, qkNorm } = options;
  const dims = { batch: 1, heads, kvHeads: heads, queries: rows.count, keys, headDim, valueDim: headDim };
  const offset = (): number => rows.first;
  return {
    ...{ dims, q: rowsOf(q, rows), k: k.data, v: v.data, offset },
    causalOffset: causal === false ? undefined : offset,
    mask: mask && ((_, ...at) => Boolean(mask.data[indexOf(mask.shape, at, rows)])),
    bias: bias && ((_, ...at) => bias.data[indexOf(bias.shape, at, rows)]!),
    ...{ keyLengths, scale, window, softcap, alibiSlopes, sinks, headScale, rope, qkNorm },
  };
}

/** Where [h, i, j] lies in a tensor of rank 3 or 4 that broadcasts to [1, heads, queries, keys]. */
function indexOf(shape: readonly number[], [h, i, j]: [number, number, number], { first }: Rows): number {
  const at = [h, first + i, j];
  return shape.slice(-3).reduce((index, length, axis) => index * length + (length === 1 ? 0 : at[axis]!), 0);
}

/** Some of the rows of every head of [1, heads, tokens, width], or of [1, heads, tokens]. */
function rowsOf({ shape, data }: TensorLike, { first, count }: Rows): Float64Array {
  const [, heads, tokens, width = 1] = shape as [number, number, number, number?];
  const rows = new Float64Array(heads * count * width);
  for (let head = 0; head < heads; head++) {
    const start = (head * tokens + first) * width;
    rows.set(data.subarray(start, start + count * width), head * count * width);
  }
  return rows;
}
