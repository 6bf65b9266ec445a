// Collecting garbage at once: what an earlier case left would count as the next one's resident memory.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Frees what nobody refers to any more: some milliseconds on this thread. Sets a flag of V8, which the process keeps. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // Only contexts made from now on have it.
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
