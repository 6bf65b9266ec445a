// Samples of a call: short ones in cycles that the package `benchmark` sizes and repeats, long ones in turn. The figures
// made of them are ours. The one file that imports `benchmark`.
import Benchmark from 'benchmark';
import { time } from './pairs.js';

// A cycle is as many calls as take this long; longer calls are their own samples.
const cycleMs = 10;

export interface SampleOptions {
  /** Stop after this long … */
  readonly seconds: number;
  /** … but not before so many samples. */
  readonly leastSamples: number;
  readonly signal?: AbortSignal | undefined;
}

export type Sampler = (call: () => Promise<unknown>, options: SampleOptions) => Promise<number[]>;

/** Warms up, then takes samples: milliseconds of a call. @throws what a call throws; the signal's reason */
export async function sampleCalls(call: () => Promise<unknown>, options: SampleOptions): Promise<number[]> {
  const firstMs = await time(call);
  // The first one finds caches cold; of much longer ones a second makes no short ones.
  const ms = firstMs > 10 * cycleMs ? firstMs : await time(call);
  return isShort(ms) ? sampleInCycles(call, options) : sampleInTurn(call, options);
}

/** Whether calls of this length are sampled in cycles. */
export function isShort(ms: number): boolean {
  return ms < cycleMs;
}

/** Cycles of calls: the mean of a cycle is a sample. */
export async function sampleInCycles(
  call: () => Promise<unknown>,
  { seconds, leastSamples, signal }: SampleOptions,
): Promise<number[]> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = createDeferred<number[]>();
  const run = new Benchmark({
    defer: true,
    maxTime: seconds,
    minTime: cycleMs / 1e3,
    minSamples: leastSamples,
    fn: (deferred: Benchmark.Deferred) => {
      call().then(() => {
        deferred.resolve();
      }, reject);
    },
    onComplete: () => {
      resolve(run.stats.sample.map((periodSeconds) => periodSeconds * 1e3));
    },
  });
  const stop = (): void => {
    reject(signal?.reason);
  };
  signal?.addEventListener('abort', stop);
  try {
    run.run({ async: true });
    return await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
    run.abort();
  }
}

/** `Promise.withResolvers`, which Node 20 hasn't. */
function createDeferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
} {
  let [resolve, reject]: [(value: T) => void, (reason: unknown) => void] = [() => undefined, () => undefined];
  const promise = new Promise<T>((keep, refuse) => {
    [resolve, reject] = [keep, refuse];
  });
  return { promise, resolve, reject };
}

/** One call after the other. */
export async function sampleInTurn(
  call: () => Promise<unknown>,
  { seconds, leastSamples, signal }: SampleOptions,
): Promise<number[]> {
  const samples: number[] = [];
  const end = performance.now() + seconds * 1e3;
  while (performance.now() < end || samples.length < leastSamples) {
    signal?.throwIfAborted();
    samples.push(await time(call));
  }
  return samples;
}
