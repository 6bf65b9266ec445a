// What a run works with, beside its request: the layer, the books, and where the process talks to.
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { PipeStream } from '../files/byte-sink.js';
import type { ChunkLimits } from './chunks.js';
import type { RunIdentity } from './identity.js';
import type { Journal } from './journal.js';

export interface RunContext {
  readonly layer: MultiHeadAttention;
  readonly journal: Journal;
  readonly limits: ChunkLimits;
  /** What outputs say about their making; its files must stay as they were. */
  readonly identity: RunIdentity;
  readonly standardInput?: AsyncIterable<Uint8Array> | undefined;
  readonly standardOutput?: PipeStream | undefined;
}
