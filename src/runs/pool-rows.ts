// One row for each sequence, made of the rows of its tokens.
import type { Pooling } from './request.js';

export interface TokenRows {
  readonly rows: Float32Array; // [sum of lengths, width]
  readonly lengths: readonly number[];
  readonly width: number;
}

/** [lengths.length, width]; zeros for a sequence without tokens. Means are summed in float64, token by token. */
export function poolRows({ rows, lengths, width }: TokenRows, pooling: Pooling): Float32Array {
  const pooled = new Float32Array(lengths.length * width);
  let begin = 0;
  for (const [sequence, length] of lengths.entries()) {
    const tokens = rows.subarray(begin * width, (begin + length) * width);
    if (length > 0) pooled.set(poolTokens(tokens, width, pooling), sequence * width);
    begin += length;
  }
  return pooled;
}

/** @param tokens [at least 1, width] */
function poolTokens(tokens: Float32Array, width: number, pooling: Pooling): ArrayLike<number> {
  switch (pooling) {
    case 'first':
      return tokens.subarray(0, width);
    case 'last':
      return tokens.subarray(tokens.length - width);
    case 'mean':
      return meanToken(tokens, width);
    default:
      return pooling satisfies never;
  }
}

function meanToken(tokens: Float32Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let begin = 0; begin < tokens.length; begin += width) {
    for (let dim = 0; dim < width; dim++) mean[dim]! += tokens[begin + dim]!;
  }
  const count = tokens.length / width;
  return mean.map((sum) => sum / count);
}
