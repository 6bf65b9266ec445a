// What the benchmark asks of a peer, whichever library it is.
import type { MultiHeadWeights, Tensor } from '../../../src/index.js';
import type { LayerCase } from '../layer.js';

/** A layer with its input, ready to run. */
export interface PeerLayer {
  run(): Promise<Float32Array>;
  dispose(): unknown;
}

export interface LayerInputs {
  readonly shape: LayerCase;
  readonly weights: MultiHeadWeights;
  readonly x: Tensor;
}

/** One way of expressing the layer in the peer's terms. */
export interface PeerForm {
  readonly name: string;
  /** Whether it holds a matrix of tokens x tokens for every head. */
  hasScores(shape: LayerCase): boolean;
  create(inputs: LayerInputs): Promise<PeerLayer>;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** How many it really uses. */
  readonly threads: number;
  readonly note?: string;
  readonly forms: readonly PeerForm[];
}
