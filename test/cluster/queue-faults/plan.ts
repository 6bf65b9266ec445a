// What happens to the workers and the server of a round, and when: drawn from a seed. Time is told by shards that are
// done, so that all of it happens before the run ends, however fast the machine.
import { createRandom } from '../../../src/core/tensor/random.js';

/**
 * - sleep: a worker is stopped until its shard is another's, then goes on; on a host of its own it has no network until
 *   later still
 * - cut off: a worker's host has no network for longer than its lock lasts
 * - freeze: the server stands still for 5 s
 * - stop, crash: the server ends, after its work or in the midst of it, and is back after 5 s
 */
export type LongFault = 'sleep' | 'cut off' | 'freeze' | 'stop' | 'crash';

export interface Planned {
  /** It happens once so many shards are done, */
  readonly shards: number;
  /** and so much later, */
  readonly delayMs: number;
  /** to the worker that lies so far, from 0 to 1, in the list of those that can be hit. */
  readonly whom: number;
}

export interface Plan {
  /** A worker ends without a word, and another is started in its place. */
  readonly kills: readonly Planned[];
  /** What lasts, beside the kills: that of workers and that of the server, each one after the other. */
  readonly long: readonly (readonly (Planned & { readonly fault: LongFault })[])[];
}

/** Kills are so many shards apart. */
const killEvery = 3;
/** About as long as a shard takes. */
const mostDelayMs = 1000;

export function planFaults(seed: number, shards: number, hasHosts: boolean): Plan {
  const random = createRandom(seed);
  const at = (count: number): Planned => ({
    shards: Math.round(count),
    delayMs: Math.round(random.uniform() * mostDelayMs),
    whom: random.uniform(),
  });
  /** In any order, all in the first half. */
  const spread = (faults: readonly LongFault[]) =>
    faults
      .map((fault) => ({ fault, rank: random.uniform() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ fault }, n) => ({ fault, ...at(1 + (n * shards) / 2 / faults.length) }));
  const ofWorkers = spread(hasHosts ? ['sleep', 'cut off'] : ['sleep']);
  const ofServer = spread(['freeze', random.uniform() < 0.5 ? 'stop' : 'crash']);
  const kills = Array.from({ length: Math.floor(shards / killEvery) - 1 }, (_, n) => at((n + 1) * killEvery));
  return { kills, long: [ofWorkers, ofServer] };
}
