// How calls follow one another: in a row, by the clock, after pauses, or of many callers at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { time } from '../../../src/measure/pairs.js';

type Call = () => Promise<unknown>;

/** Milliseconds of each call, one right after the other. */
export async function callInARow(call: Call, seconds: number): Promise<number[]> {
  const end = performance.now() + seconds * 1e3;
  const times: number[] = [];
  do times.push(await time(call));
  while (performance.now() < end);
  return times;
}

/** Milliseconds of each call, of which one starts every `everyMs`, or as soon as the last one is over. */
export async function callByTheClock(call: Call, everyMs: number, seconds: number): Promise<number[]> {
  let start = performance.now();
  const end = start + seconds * 1e3;
  const times: number[] = [];
  do {
    await sleep(Math.max(0, start - performance.now()));
    times.push(await time(call));
    start = Math.max(start + everyMs, performance.now());
  } while (start < end);
  return times;
}

/** Milliseconds of each call, of which one starts `pauseMs` after the last one, until `isOver`. */
export async function callAfterPauses(call: Call, pauseMs: number, isOver: (calls: number) => boolean) {
  const times: number[] = [];
  while (!isOver(times.length)) {
    await sleep(pauseMs);
    times.push(await time(call));
  }
  return times;
}

export interface Callers {
  readonly callers: number;
  /** Tokens of each sequence; the callers take one after another, so that all are called equally often. */
  readonly lengths: readonly number[];
  readonly call: (sequence: number) => Promise<unknown>;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Runs between the warm-up and the time that counts. */
  readonly onStart?: () => void;
  /** Runs before the callers stop. */
  readonly onEnd?: () => void;
}

/** Callers who await a call and make the next one at once. Milliseconds of a token, by the calls that end in the time. */
export async function keepCalling({ callers, lengths, call, ...options }: Callers): Promise<number> {
  let [next, tokens, isOver] = [0, 0, false];
  const keepOneCalling = async (): Promise<void> => {
    while (!isOver) {
      const sequence = next++ % lengths.length;
      await call(sequence);
      tokens += lengths[sequence]!;
    }
  };
  const all = Promise.all(Array.from({ length: callers }, keepOneCalling));
  // A call that fails ends the pause, which then keeps no process alive.
  const pause = (seconds: number) => Promise.race([sleep(seconds * 1e3, undefined, { ref: false }), all]);
  await pause(options.warmUpSeconds);
  options.onStart?.();
  const [startMs, before] = [performance.now(), tokens];
  do await pause(options.seconds);
  while (tokens === before);
  const msPerToken = (performance.now() - startMs) / (tokens - before);
  options.onEnd?.();
  isOver = true;
  await all;
  return msPerToken;
}
