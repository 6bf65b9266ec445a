// What an attention returns. Types only.
import type { Tensor } from '../core/tensor/tensor.js';

/** What an attention returns; the optional parts are there if they were asked for. */
export interface AttentionResult {
  /** Laid out like the query input. */
  readonly output: Tensor;
  readonly weights?: Tensor;
  readonly scores?: Tensor;
  readonly logSumExp?: Tensor;
  readonly headStatistics?: HeadStatistics;
}

/**
 * What heads attend: tensors [entries, heads], an entry being a sequence of the batch. Means over the rows that attend a
 * key, 0 where none does; p are a row's weights, position its place on the diagonal.
 */
export interface HeadStatistics {
  /** -Σ p ln p, in nats. */
  readonly entropy: Tensor;
  /** Σ p · |position - j|, in tokens. */
  readonly meanDistance: Tensor;
  /** The weight of key 0, of the key at the row's position, of the one before and of the one behind it. */
  readonly first: Tensor;
  readonly self: Tensor;
  readonly previous: Tensor;
  readonly next: Tensor;
  /** The largest weight. */
  readonly largest: Tensor;
  /** L2 norm of the head's output. */
  readonly outputNorm: Tensor;
  /** L2 norm of the head's share of the layer's output, its columns of W^O times its output; of layers only. */
  readonly contributionNorm?: Tensor;
}
