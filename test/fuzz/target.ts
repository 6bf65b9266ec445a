// What a fuzzer tries: one reader of outside bytes, or one door of the product that takes calls.
import type { Draw } from './draw.js';

export interface FuzzTarget {
  /** Whole inputs that are taken as they are. */
  createSeeds(): Promise<readonly Uint8Array[]>;
  /** A copy with some of it wrong, where the format hurts. */
  damage(bytes: Uint8Array, draw: Draw): Uint8Array;
  /**
   * Reads all of it. Resolves to the bytes of what came out.
   * @param folder empty, for files
   * @throws HeadpoolError for what is refused; anything else is a find
   */
  take(bytes: Uint8Array, folder: string): Promise<number>;
}
