// What a run works with, beside its request: the layer, the books, and where the process talks to.
import type { MultiHeadAttention } from '../attention/multi-head.js';
import type { PipeStream } from '../files/byte-sink.js';
import type { ChunkLimits } from './chunks.js';
import type { FileIdentity } from './identity.js';
import type { Journal } from './journal.js';

export interface RunSetting {
  readonly layer: MultiHeadAttention;
  readonly journal: Journal;
  readonly limits: ChunkLimits;
  /** The inputs as they were when the run began. */
  readonly inputs: readonly FileIdentity[];
  /** Keys and values of files of their own. */
  readonly attended: readonly FileIdentity[];
  /** What outputs say about their making. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly standardInput?: AsyncIterable<Uint8Array> | undefined;
  readonly standardOutput?: PipeStream | undefined;
}
